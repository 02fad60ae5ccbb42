// Vector kernels of the engine: loops over float32 numbers whose transcendental functions or reductions Swift cannot
// vectorise at the x86-64 baseline. Each is compiled for the baseline, for AVX2 with FMA and for AVX-512, chosen at run
// time. Pointers never alias unless a comment says so.
#pragma once

#include "activations.h"

#include <stddef.h>

/// For each of `rows` rows: y[c] = x[c] * gelu(x[channels + c]); rows lie `x_stride` and `y_stride` numbers apart. y may be x.
void kernels_gated_gelu(
    const float *x, ptrdiff_t x_stride, float *y, ptrdiff_t y_stride, ptrdiff_t rows, ptrdiff_t channels);

/// y[i] = a[i] + b[i]; y may be a or b.
void kernels_add(const float *a, const float *b, float *y, ptrdiff_t count);

/// y[i] = a x[i].
void kernels_scale(const float *x, float a, float *y, ptrdiff_t count);

/// y[r, c] = x[r, c] + b[c]; y may be x.
void kernels_add_row(const float *x, const float *b, float *y, ptrdiff_t rows, ptrdiff_t channels);

/// sums[c] += the sum over rows of x[r, c]; x is [rows, channels].
void kernels_sum_rows(const float *x, float *sums, ptrdiff_t rows, ptrdiff_t channels);

/// sums[c] += the sum over rows of (x[r, c] - means[c])^2.
void kernels_sum_squares(const float *x, const float *means, float *sums, ptrdiff_t rows, ptrdiff_t channels);

/// y[r, c] = f(x[r, c] * scale[c] + shift[c]); y may be x.
void kernels_scale_shift(
    const float *x, const float *scale, const float *shift, float *y, ptrdiff_t rows, ptrdiff_t channels,
    kernels_activation activation);

/// Layer normalization of each row of x [rows, channels].
void kernels_layer_normalization(
    const float *x, const float *scale, const float *shift, float epsilon, float *y, ptrdiff_t rows,
    ptrdiff_t channels);

/// The same numbers for sixteen rows that stand side by side, x [channels, 16].
void kernels_layer_normalization_panel(
    const float *x, const float *scale, const float *shift, float epsilon, float *y, ptrdiff_t channels);
