// Numbers in the order in which products read them, and back; see product.h.
#include "product.h"

#include "kernel_target.h"
#include "transpose.h"

enum { COLUMNS = KERNELS_PANEL_COLUMNS };

_Static_assert(COLUMNS == TURNED_COLUMNS, "columns are turned a panel at a time");

KERNEL void kernels_pack(
    const float *weights, ptrdiff_t stride, ptrdiff_t columns, ptrdiff_t inputs, ptrdiff_t taps, float *packed) {
  const ptrdiff_t depth = inputs * taps;
  for (ptrdiff_t column = 0; column < columns; column += COLUMNS, packed += depth * COLUMNS) {
    const ptrdiff_t width = columns - column < COLUMNS ? columns - column : COLUMNS;
    for (ptrdiff_t first = 0; first < depth; first += STEPS) {
      const ptrdiff_t count = depth - first < STEPS ? depth - first : STEPS;
      turned_vector turned[STEPS];
      transpose(weights + column * stride + first, stride, width, count, turned);
      for (ptrdiff_t step = 0; step < count; step++) {
        // Numbers of one input lie side by side, its taps fastest.
        const ptrdiff_t from = first + step, to = taps == 1 ? from : from % taps * inputs + from / taps;
        *(turned_vector *)(packed + to * COLUMNS) = turned[step];
      }
    }
  }
}

KERNEL void kernels_transpose(
    const float *from, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t columns, float scale, const float *plus, float *to,
    ptrdiff_t to_stride) {
  for (ptrdiff_t row = 0; row < rows; row += TURNED_COLUMNS) {
    const ptrdiff_t height = rows - row < TURNED_COLUMNS ? rows - row : TURNED_COLUMNS;
    for (ptrdiff_t column = 0; column < columns; column += STEPS) {
      const ptrdiff_t width = columns - column < STEPS ? columns - column : STEPS;
      turned_vector turned[STEPS];
      transpose(from + row * stride + column, stride, height, width, turned);
      for (ptrdiff_t c = 0; c < width; c++) {
        turned_vector line = turned[c] * scale;
        const ptrdiff_t at = (column + c) * to_stride + row;
        if (height == TURNED_COLUMNS) {
          if (plus) line += *(const turned_vector *)(plus + at);
          *(turned_vector *)(to + at) = line;
        } else {
          for (ptrdiff_t r = 0; r < height; r++) to[at + r] = plus ? line[r] + plus[at + r] : line[r];
        }
      }
    }
  }
}
