// Register-blocked products with packed weights (Goto and van de Geijn, "Anatomy of High-Performance Matrix
// Multiplication", 2008); see product.h.
#include "product.h"

#include "functions.h"
#include "kernel_target.h"

#include <string.h>

enum {
  ROWS = KERNELS_PRODUCT_ROWS,
  COLUMNS = KERNELS_PANEL_COLUMNS,
  // Numbers of a cache line.
  LINE = 16,
};

// All functions that pass vectors are inlined, so how a call would pass them does not matter.
#pragma clang diagnostic ignored "-Wpsabi"

typedef float vector8 __attribute__((ext_vector_type(8), aligned(4)));
typedef float vector16 __attribute__((ext_vector_type(16), aligned(4)));

int kernels_widest_vectors(void) {
#if defined(__x86_64__) && defined(__linux__)
  // The same levels as KERNEL's clones: one processor computes everything with one of them.
  if (__builtin_cpu_supports("x86-64-v4")) return KERNELS_AVX512;
  if (__builtin_cpu_supports("x86-64-v3")) return KERNELS_AVX2;
#endif
  return 0;
}

// Where a block of rows and columns begins to add, and where its sums go.
typedef struct {
  const float *from;
  ptrdiff_t from_stride, from_panel;
  // A number for each row to begin with instead, where it is not null.
  const float *each;
  float *to;
  ptrdiff_t to_stride, to_panel;
  // What is added in the end, where it is not null; as `to` lies.
  const float *plus;
  // What becomes of the sums; functions that take a few instructions only.
  kernels_activation activation;
} sums;

// What a block asks for: `pace` numbers more with each step.
typedef struct {
  kernels_rows rows;
  ptrdiff_t pace;
} wanted;

// One step of the depth: a number of each row by a vector, or two, of weights.
#define STEP(vector, k)                                                                                                \
  do {                                                                                                                 \
    vector w[2];                                                                                                       \
    _Pragma("clang loop unroll(full)") for (int v = 0; v < wide; v++)                                                  \
      w[v] = *(const vector *)(weights + (k) * step + v * weights_stride);                                             \
    _Pragma("clang loop unroll(full)") for (int r = 0; r < rows; r++) {                                                \
      const float value = x[r * x_stride + (k)];                                                                       \
      _Pragma("clang loop unroll(full)") for (int v = 0; v < wide; v++) a[r][v] += value * w[v];                       \
    }                                                                                                                  \
  } while (0)

// Adds `length` products to a block of `rows` rows by `wide` vectors of `lanes` numbers; constants once inlined. A vector of 16
// is a panel, one of 8 half of it. Asks for `next` step by step: in bursts between blocks the requests would fill the core's
// queue, and the processor would wait for them.
#define BLOCK(name, vector, lanes, most_rows)                                                                          \
  INLINE void name(                                                                                                    \
      int rows, int wide, const float *x, ptrdiff_t x_stride, ptrdiff_t length, const float *weights,                  \
      ptrdiff_t weights_stride, ptrdiff_t step, wanted next, sums s) {                                                 \
    vector a[most_rows][2];                                                                                            \
    _Pragma("clang loop unroll(full)") for (int r = 0; r < rows; r++)                                                  \
      _Pragma("clang loop unroll(full)") for (int v = 0; v < wide; v++)                                                \
        a[r][v] = s.each ? s.each[r] - (vector){0}                                                                     \
                         : *(const vector *)(s.from + r * s.from_stride + v * (lanes == 16 ? s.from_panel : lanes));   \
    ptrdiff_t k = 0;                                                                                                   \
    for (; next.rows.rows > 0; next.rows.rows--, next.rows.from += next.rows.stride) {                                 \
      const ptrdiff_t steps = next.rows.length / next.pace, end = length - k < steps ? length : k + steps;             \
      const float *ahead = next.rows.from - next.pace * k;                                                             \
      _Pragma("clang loop unroll(disable)") for (; k < end; k++) {                                                     \
        __builtin_prefetch(ahead + next.pace * k, 0, 2);                                                               \
        STEP(vector, k);                                                                                               \
      }                                                                                                                \
    }                                                                                                                  \
    _Pragma("clang loop unroll(disable)") for (; k < length; k++) STEP(vector, k);                                     \
    if (s.plus)                                                                                                        \
      _Pragma("clang loop unroll(full)") for (int r = 0; r < rows; r++)                                                \
        _Pragma("clang loop unroll(full)") for (int v = 0; v < wide; v++)                                              \
          a[r][v] += *(const vector *)(s.plus + r * s.to_stride + v * (lanes == 16 ? s.to_panel : lanes));             \
    if (s.activation.function == KERNELS_RELU)                                                                         \
      _Pragma("clang loop unroll(full)") for (int r = 0; r < rows; r++)                                                \
        _Pragma("clang loop unroll(full)") for (int v = 0; v < wide; v++) a[r][v] = 0 > a[r][v] ? 0 : a[r][v];         \
    if (s.activation.function == KERNELS_LEAKY_RELU)                                                                   \
      _Pragma("clang loop unroll(full)") for (int r = 0; r < rows; r++)                                                \
        _Pragma("clang loop unroll(full)") for (int v = 0; v < wide; v++)                                              \
          a[r][v] = a[r][v] > 0 ? a[r][v] : a[r][v] * s.activation.slope;                                              \
    _Pragma("clang loop unroll(full)") for (int r = 0; r < rows; r++)                                                  \
      _Pragma("clang loop unroll(full)") for (int v = 0; v < wide; v++)                                                \
        *(vector *)(s.to + r * s.to_stride + v * (lanes == 16 ? s.to_panel : lanes)) = a[r][v];                        \
  }

BLOCK(block8, vector8, 8, 6)
BLOCK(block16, vector16, 16, ROWS)

#define CASE(block, rows, wide, weights_stride)                                                                        \
  case rows: block(rows, wide, x, x_stride, length, panel, weights_stride, COLUMNS, next, s); break;

// At most 12 rows by one panel, AVX2: six rows by two vectors of eight.
INLINE void panel_avx2(
    ptrdiff_t rows, const float *x, ptrdiff_t x_stride, ptrdiff_t length, const float *panel, wanted next,
    sums s) {
  for (;;) {
    switch (rows < 6 ? rows : 6) {
      CASE(block8, 1, 2, 8)
      CASE(block8, 2, 2, 8)
      CASE(block8, 3, 2, 8)
      CASE(block8, 4, 2, 8)
      CASE(block8, 5, 2, 8)
      default: block8(6, 2, x, x_stride, length, panel, 8, COLUMNS, next, s); break;
    }
    rows -= 6;
    if (rows <= 0) return;
    // The first rows have asked for what comes next.
    next.rows.rows = 0;
    x += 6 * x_stride;
    s.from += 6 * s.from_stride;
    if (s.each) s.each += 6;
    s.to += 6 * s.to_stride;
    if (s.plus) s.plus += 6 * s.to_stride;
  }
}

#define CASES_AVX512(wide)                                                                                             \
  switch (rows) {                                                                                                      \
    CASE(block16, 1, wide, stride)                                                                                     \
    CASE(block16, 2, wide, stride)                                                                                     \
    CASE(block16, 3, wide, stride)                                                                                     \
    CASE(block16, 4, wide, stride)                                                                                     \
    CASE(block16, 5, wide, stride)                                                                                     \
    CASE(block16, 6, wide, stride)                                                                                     \
    CASE(block16, 7, wide, stride)                                                                                     \
    CASE(block16, 8, wide, stride)                                                                                     \
    CASE(block16, 9, wide, stride)                                                                                     \
    CASE(block16, 10, wide, stride)                                                                                    \
    CASE(block16, 11, wide, stride)                                                                                    \
    default: block16(12, wide, x, x_stride, length, panel, stride, COLUMNS, next, s); break;                           \
  }

// At most 12 rows by one panel, or by two.
INLINE void panel_avx512(
    ptrdiff_t rows, const float *x, ptrdiff_t x_stride, ptrdiff_t length, const float *panel, ptrdiff_t stride, int two,
    wanted next, sums s) {
  if (two) {
    CASES_AVX512(2)
  } else {
    CASES_AVX512(1)
  }
}

static const float zeros[2 * COLUMNS];

// The first number of a panel's columns.
INLINE float *y_at(const kernels_product *p, ptrdiff_t row, ptrdiff_t column) {
  return p->y + row * p->y_stride + column / COLUMNS * p->y_panel_stride;
}

// A panel of fewer than 16 columns goes through its own block.
typedef struct {
  float numbers[ROWS * COLUMNS];
} edge;

INLINE sums edge_sums(edge *e, const kernels_product *p, ptrdiff_t row, ptrdiff_t height, ptrdiff_t column) {
  const size_t width = (size_t)(p->columns - column) * sizeof(float);
  memset(e->numbers, 0, sizeof e->numbers);
  for (ptrdiff_t r = 0; r < height; r++) {
    float *to = e->numbers + r * COLUMNS;
    if (p->adds) memcpy(to, y_at(p, row + r, column), width);
    else if (p->bias) memcpy(to, p->bias + column, width);
  }
  const float *each = p->row_bias && !p->adds ? p->row_bias + row : NULL;
  return (sums){e->numbers, COLUMNS, COLUMNS, each, e->numbers, COLUMNS, COLUMNS, NULL, {KERNELS_IDENTITY, 0}};
}

INLINE void edge_store(const edge *e, const kernels_product *p, ptrdiff_t row, ptrdiff_t height, ptrdiff_t column) {
  for (ptrdiff_t r = 0; r < height; r++) {
    float *to = y_at(p, row + r, column);
    const float *from = e->numbers + r * COLUMNS;
    for (ptrdiff_t c = 0; c < p->columns - column; c++) to[c] = p->plus ? from[c] + p->plus[to - p->y + c] : from[c];
  }
}

INLINE sums whole_sums(const kernels_product *p, ptrdiff_t row, ptrdiff_t column) {
  float *to = y_at(p, row, column);
  const float *plus = p->plus ? p->plus + (to - p->y) : NULL;
  const float *each = p->row_bias && !p->adds ? p->row_bias + row : NULL;
  sums s = {p->bias ? p->bias + column : zeros, 0, COLUMNS, each, to, p->y_stride, p->y_panel_stride, plus,
            p->activation};
  if (p->adds) {
    s.from = to;
    s.from_stride = p->y_stride;
    s.from_panel = p->y_panel_stride;
  }
  return s;
}

// Rows that the blocks to come ask for, as many each.
typedef struct {
  kernels_rows rows;
  ptrdiff_t each;
} waiting;

INLINE waiting wait_for(kernels_rows rows, ptrdiff_t blocks) {
  if (blocks <= 0) return (waiting){{0}, 0};
  return (waiting){rows, rows.rows <= blocks ? 1 : (rows.rows + blocks - 1) / blocks};
}

// Of `all` blocks, so many ask for the first rows, by the numbers of both.
INLINE ptrdiff_t first_blocks(const kernels_product *p, ptrdiff_t all) {
  const ptrdiff_t next = p->next.rows * p->next.length, then = p->then.rows * p->then.length;
  if (then <= 0) return all;
  return (2 * all * next + next + then) / (2 * (next + then));
}

// What the next block asks for.
INLINE wanted take(waiting *w, ptrdiff_t length) {
  if (w->rows.rows <= 0) return (wanted){{0}, 1};
  // A line a step at most; where a quarter or half of one is enough, requests are spread over more steps.
  const ptrdiff_t numbers = w->each * w->rows.length;
  const ptrdiff_t pace = numbers > 8 * length ? LINE : numbers > 4 * length ? LINE / 2 : LINE / 4;
  kernels_rows some = w->rows;
  if (some.rows > w->each) some.rows = w->each;
  w->rows.from += w->each * w->rows.stride;
  w->rows.rows -= w->each;
  return (wanted){some, pace};
}

// Asks for what a block of rows adds at its end, and for the sums that the block after it begins with. Sums in a small buffer are
// near anyway; in a result they lie far apart.
INLINE void ask_for_sums(const kernels_product *p, ptrdiff_t row, ptrdiff_t height, ptrdiff_t column, int panels) {
  for (int panel = 0; panel < panels; panel++) {
    const float *at = y_at(p, row, column + panel * COLUMNS);
    if (p->plus)
      for (ptrdiff_t r = 0; r < height; r++) __builtin_prefetch(p->plus + (at - p->y) + r * p->y_stride);
    if (p->adds)
      for (ptrdiff_t r = height; r < 2 * height && row + r < p->rows; r++) __builtin_prefetch(at + r * p->y_stride);
  }
}

// Whether sums are activated before they are stored: going through the first cache once more would cost a product of 64 steps a
// tenth of its time.
INLINE int is_activated_early(kernels_activation activation) {
  return activation.function == KERNELS_RELU || activation.function == KERNELS_LEAKY_RELU;
}

// The activation of a block that was just stored, of whole panels or of a part of one.
INLINE void activate_block(const kernels_product *p, ptrdiff_t row, ptrdiff_t height, ptrdiff_t column, int panels) {
  const ptrdiff_t left = p->columns - column;
  for (ptrdiff_t r = row; r < row + height; r++) {
    if (left < COLUMNS) {
      float *y = y_at(p, r, column);
      activate(p->activation, y, y, left);
      continue;
    }
    for (int panel = 0; panel < panels; panel++) {
      float *y = y_at(p, r, column + panel * COLUMNS);
      activate(p->activation, y, y, COLUMNS);
    }
  }
}

// Panels outermost: a panel, or two, stays in the first cache while all rows pass. Blocks of rows are nearly equal, since one
// of a few rows waits for its own sums.
#define MULTIPLY(name, target_name, most_panels, PANEL)                                                                \
  __attribute__((target(target_name))) static void name(const kernels_product *p) {                                    \
    const ptrdiff_t blocks = (p->rows + ROWS - 1) / ROWS;                                                              \
    if (blocks == 0 || p->columns <= 0) return;                                                                        \
    const ptrdiff_t least = p->rows / blocks, higher = p->rows % blocks;                                               \
    const ptrdiff_t panels = (p->columns + COLUMNS - 1) / COLUMNS;                                                     \
    const ptrdiff_t calls = (panels + most_panels - 1) / most_panels * blocks;                                         \
    const ptrdiff_t first = first_blocks(p, calls);                                                                    \
    waiting ahead = wait_for(p->next, first);                                                                          \
    const int asks = p->plus || (p->adds && p->y_stride > 2 * COLUMNS);                                                \
    ptrdiff_t call = 0;                                                                                                \
    for (ptrdiff_t column = 0, next; column < p->columns; column = next) {                                             \
      const ptrdiff_t left = p->columns - column;                                                                      \
      const int two = most_panels == 2 && left >= 2 * COLUMNS, whole = left >= COLUMNS;                                \
      next = column + (two ? 2 : 1) * COLUMNS;                                                                         \
      const float *panel = p->panels + column / COLUMNS * p->panel_stride;                                             \
      for (ptrdiff_t block = 0, row = 0, height; block < blocks; block++, row += height) {                             \
        height = least + (block < higher);                                                                             \
        const float *x = p->x + row * p->x_stride;                                                                     \
        if (call++ == first) ahead = wait_for(p->then, calls - first);                                                 \
        const wanted next = take(&ahead, p->length);                                                                   \
        if (asks && whole) ask_for_sums(p, row, height, column, two ? 2 : 1);                                          \
        edge e;                                                                                                        \
        const sums s = whole ? whole_sums(p, row, column) : edge_sums(&e, p, row, height, column);                     \
        PANEL;                                                                                                         \
        if (!whole) edge_store(&e, p, row, height, column);                                                            \
        if (p->activation.function && !(whole && is_activated_early(p->activation)))                                   \
          activate_block(p, row, height, column, two ? 2 : 1);                                                         \
      }                                                                                                                \
    }                                                                                                                  \
  }

#if defined(__x86_64__) && defined(__linux__)
MULTIPLY(multiply_avx2, "arch=x86-64-v3", 1, panel_avx2(height, x, p->x_stride, p->length, panel, next, s))
MULTIPLY(
    multiply_avx512, "arch=x86-64-v4", 2,
    panel_avx512(height, x, p->x_stride, p->length, panel, p->panel_stride, two, next, s))

void kernels_multiply(const kernels_product *product, kernels_vectors vectors) {
  if (vectors == KERNELS_AVX512) multiply_avx512(product);
  else multiply_avx2(product);
}
#else
void kernels_multiply(const kernels_product *product, kernels_vectors vectors) { __builtin_trap(); }
#endif
