// Pooling, first down the columns of a row of windows, then along the row; see pooling.h.
#include "pooling.h"

#include "kernel_target.h"

// All functions that pass vectors are inlined, so how a call would pass them does not matter.
#pragma clang diagnostic ignored "-Wpsabi"

enum {
  LANES = 16,
  // Vectors side by side, so that the loop over rows is not most of the work.
  WIDE = 4,
};

typedef float vector __attribute__((ext_vector_type(LANES), aligned(4)));

// A comparison with not-a-number is false: it stays where it comes first, and is taken where it comes second.
INLINE vector greater(vector a, vector b) {
  const vector most = b > a ? b : a;
  return b == b ? most : b;
}

INLINE float greater_number(float a, float b) {
  const float most = b > a ? b : a;
  return b == b ? most : b;
}

// The greatest, or the sum, of each of `wide` vectors of numbers.
INLINE void down_vectors(int sums, int wide, const float *x, ptrdiff_t stride, ptrdiff_t rows, float *y) {
  vector all[WIDE];
  for (int v = 0; v < wide; v++) all[v] = *(const vector *)(x + v * LANES);
  // Few rows, so a loop that takes several at once would mostly end early.
#pragma clang loop unroll(disable)
  for (ptrdiff_t r = 1; r < rows; r++) {
    x += stride;
    for (int v = 0; v < wide; v++) {
      const vector line = *(const vector *)(x + v * LANES);
      all[v] = sums ? all[v] + line : greater(all[v], line);
    }
  }
  for (int v = 0; v < wide; v++) *(vector *)(y + v * LANES) = all[v];
}

// y[i] = the greatest, or the sum, of x[r * stride + i] for `rows` rows.
INLINE void down(int sums, const float *x, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t count, float *y) {
  ptrdiff_t next = 0;
  for (; next + WIDE * LANES <= count; next += WIDE * LANES)
    down_vectors(sums, WIDE, x + next, stride, rows, y + next);
  for (; next < count && count >= LANES; next += LANES) {
    // The last vector may begin within the one before it.
    const ptrdiff_t i = next + LANES <= count ? next : count - LANES;
    down_vectors(sums, 1, x + i, stride, rows, y + i);
  }
  for (ptrdiff_t i = 0; i < count && count < LANES; i++) {
    float all = x[i];
    for (ptrdiff_t r = 1; r < rows; r++)
      all = sums ? all + x[r * stride + i] : greater_number(all, x[r * stride + i]);
    y[i] = all;
  }
}

// Positions of a window that lie in the image.
typedef struct {
  ptrdiff_t first, count;
} inside;

INLINE inside clip(ptrdiff_t start, ptrdiff_t length, ptrdiff_t end) {
  const ptrdiff_t first = start < 0 ? 0 : start, last = start + length < end ? start + length : end;
  return (inside){first, last - first};
}

INLINE void pool(int means, const float *image, kernels_pooling shape, ptrdiff_t row, float *line, float *y) {
  const ptrdiff_t channels = shape.channels, width = shape.width * channels;
  const inside rows = clip(row * shape.stride - shape.top, shape.rows, shape.height);
  down(means, image + rows.first * width, width, rows.count, width, line);
  for (ptrdiff_t window = 0; window < shape.windows; window++, y += channels) {
    const inside columns = clip(window * shape.stride - shape.left, shape.columns, shape.width);
    down(means, line + columns.first * channels, channels, columns.count, channels, y);
    if (!means) continue;
    const float count = (float)(shape.counts_all ? shape.rows * shape.columns : rows.count * columns.count);
    for (ptrdiff_t c = 0; c < channels; c++) y[c] /= count;
  }
}

KERNEL void kernels_pool_greatest(
    const float *restrict image, kernels_pooling shape, ptrdiff_t row, float *restrict line, float *restrict y) {
  pool(0, image, shape, row, line, y);
}

KERNEL void kernels_pool_mean(
    const float *restrict image, kernels_pooling shape, ptrdiff_t row, float *restrict line, float *restrict y) {
  pool(1, image, shape, row, line, y);
}
