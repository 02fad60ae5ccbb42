// Nonlinearities, each of one number. Products, Winograd's transforms and normalizations end with one where a layer has it.
#pragma once

#include <stddef.h>

/// Which function; x is the number.
typedef enum {
  /// x itself.
  KERNELS_IDENTITY = 0,
  /// x * sigmoid(x).
  KERNELS_SILU,
  /// x * Phi(x).
  KERNELS_GELU,
  /// x * sigmoid(1.702 x).
  KERNELS_QUICK_GELU,
  /// max(x, 0).
  KERNELS_RELU,
  /// x, times `slope` below 0.
  KERNELS_LEAKY_RELU,
  /// x * tanh(ln(1 + e^x)).
  KERNELS_MISH,
  /// 1 / (1 + e^-x).
  KERNELS_SIGMOID,
} kernels_function;

/// A function and what it needs; all zeros leave numbers as they are.
typedef struct {
  kernels_function function;
  /// Of leaky ReLU.
  float slope;
} kernels_activation;

/// y[r, i] = f(x[r, i]) for `rows` rows of `count` numbers, which lie `x_stride` and `y_stride` numbers apart; y may be x.
void kernels_activate(
    kernels_activation activation, const float *x, ptrdiff_t x_stride, float *y, ptrdiff_t y_stride, ptrdiff_t rows,
    ptrdiff_t count);
