// Weights in the order in which products read them; see product.h.
#include "product.h"

#include "kernel_target.h"
#include "transpose.h"

#include <string.h>

enum { COLUMNS = KERNELS_PANEL_COLUMNS };

KERNEL void kernels_pack(
    const float *weights, ptrdiff_t stride, ptrdiff_t columns, ptrdiff_t inputs, ptrdiff_t taps, float *packed) {
  const ptrdiff_t depth = inputs * taps;
  for (ptrdiff_t column = 0; column < columns; column += COLUMNS, packed += depth * COLUMNS) {
    const ptrdiff_t width = columns - column < COLUMNS ? columns - column : COLUMNS;
    for (ptrdiff_t first = 0; first < depth; first += STEPS) {
      const ptrdiff_t count = depth - first < STEPS ? depth - first : STEPS;
      float turned[STEPS * COLUMNS];
      transpose(weights + column * stride + first, stride, width, count, turned);
      for (ptrdiff_t step = 0; step < count; step++) {
        // Numbers of one input lie side by side, its taps fastest.
        const ptrdiff_t from = first + step, to = taps == 1 ? from : from % taps * inputs + from / taps;
        memcpy(packed + to * COLUMNS, turned + step * COLUMNS, COLUMNS * sizeof(float));
      }
    }
  }
}
