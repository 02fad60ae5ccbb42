// Nonlinearities as passes over memory; see activations.h.
#include "activations.h"

#include "functions.h"
#include "kernel_target.h"

KERNEL void kernels_activate(
    kernels_activation activation, const float *x, ptrdiff_t x_stride, float *y, ptrdiff_t y_stride, ptrdiff_t rows,
    ptrdiff_t count) {
  for (ptrdiff_t r = 0; r < rows; r++) activate(activation, x + r * x_stride, y + r * y_stride, count);
}
