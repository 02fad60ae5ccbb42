// Scalar loops written so that the compiler vectorises them; see kernels.h for what each computes.
#include "kernels.h"

#include "functions.h"
#include "kernel_target.h"

#include <math.h>

// A compiler may not reassociate sums into lanes, so sums here are written in lanes of their own, in an order that does
// not depend on the width of the machine's vectors. Products and sums may be fused where the machine can.

enum { LANES = 16 };

KERNEL void kernels_gated_gelu(
    const float *x, ptrdiff_t x_stride, float *y, ptrdiff_t y_stride, ptrdiff_t rows, ptrdiff_t channels) {
  for (ptrdiff_t r = 0; r < rows; r++) {
    const float *value = x + r * x_stride, *gate = value + channels;
    float *out = y + r * y_stride;
    // Where they overlap, out and value are the same.
#pragma clang loop vectorize(assume_safety)
    for (ptrdiff_t c = 0; c < channels; c++) out[c] = value[c] * gelu(gate[c]);
  }
}

KERNEL void kernels_add(const float *a, const float *b, float *y, ptrdiff_t count) {
  for (ptrdiff_t i = 0; i < count; i++) y[i] = a[i] + b[i];
}

KERNEL void kernels_scale(const float *restrict x, float a, float *restrict y, ptrdiff_t count) {
  for (ptrdiff_t i = 0; i < count; i++) y[i] = a * x[i];
}

KERNEL void kernels_add_row(const float *x, const float *b, float *y, ptrdiff_t rows, ptrdiff_t channels) {
  for (ptrdiff_t r = 0; r < rows; r++)
    for (ptrdiff_t c = 0; c < channels; c++) y[r * channels + c] = x[r * channels + c] + b[c];
}

KERNEL void kernels_sum_rows(
    const float *restrict x, float *restrict sums, ptrdiff_t rows, ptrdiff_t channels) {
  for (ptrdiff_t r = 0; r < rows; r++)
    for (ptrdiff_t c = 0; c < channels; c++) sums[c] += x[r * channels + c];
}

KERNEL void kernels_sum_squares(
    const float *restrict x, const float *restrict means, float *restrict sums, ptrdiff_t rows, ptrdiff_t channels) {
  for (ptrdiff_t r = 0; r < rows; r++)
    for (ptrdiff_t c = 0; c < channels; c++) {
      const float d = x[r * channels + c] - means[c];
      sums[c] += d * d;
    }
}

KERNEL void kernels_scale_shift(
    const float *x, const float *scale, const float *shift, float *y, ptrdiff_t rows, ptrdiff_t channels,
    kernels_activation activation) {
  for (ptrdiff_t r = 0; r < rows; r++) {
    const float *in = x + r * channels;
    float *out = y + r * channels;
    if (activation.function == KERNELS_SILU) {
      for (ptrdiff_t c = 0; c < channels; c++) {
        const float v = in[c] * scale[c] + shift[c];
        out[c] = v * sigmoid(v);
      }
      continue;
    }
    for (ptrdiff_t c = 0; c < channels; c++) out[c] = in[c] * scale[c] + shift[c];
    // The row is still in the first cache.
    activate(activation, out, out, channels);
  }
}

// A number of each of sixteen rows.
typedef float row_vector __attribute__((vector_size(64), aligned(4)));

// Sums over the channels of a row, whose numbers are floats, or of sixteen rows side by side: the same additions in one order.
// Channels add up in lanes, the lanes halves by halves: one after the other each addition would wait for the last.
#define SUMS(number, total, sum, sum_of_squares)                                                                       \
  INLINE number total(number lanes[LANES]) {                                                                           \
    _Pragma("clang loop unroll(full)") for (int half = LANES / 2; half > 0; half /= 2)                                 \
      for (int l = 0; l < half; l++) lanes[l] += lanes[l + half];                                                      \
    return lanes[0];                                                                                                   \
  }                                                                                                                    \
  INLINE number sum(const number *x, ptrdiff_t count) {                                                                \
    number lanes[LANES] = {0};                                                                                         \
    ptrdiff_t i = 0;                                                                                                   \
    for (; i + LANES <= count; i += LANES)                                                                             \
      for (int l = 0; l < LANES; l++) lanes[l] += x[i + l];                                                            \
    number sum = total(lanes);                                                                                         \
    for (; i < count; i++) sum += x[i];                                                                                \
    return sum;                                                                                                        \
  }                                                                                                                    \
  INLINE number sum_of_squares(const number *x, number mean, ptrdiff_t count) {                                        \
    number lanes[LANES] = {0};                                                                                         \
    ptrdiff_t i = 0;                                                                                                   \
    for (; i + LANES <= count; i += LANES)                                                                             \
      for (int l = 0; l < LANES; l++) {                                                                                \
        const number d = x[i + l] - mean;                                                                              \
        lanes[l] += d * d;                                                                                             \
      }                                                                                                                \
    number sum = total(lanes);                                                                                         \
    for (; i < count; i++) sum += (x[i] - mean) * (x[i] - mean);                                                       \
    return sum;                                                                                                        \
  }

// All functions that pass vectors are inlined, so how a call would pass them does not matter.
#pragma clang diagnostic ignored "-Wpsabi"

SUMS(float, total, sum, sum_of_squares)
SUMS(row_vector, total_of_rows, sum_of_rows, sum_of_squares_of_rows)

KERNEL void kernels_layer_normalization(
    const float *restrict x, const float *restrict scale, const float *restrict shift, float epsilon,
    float *restrict y, ptrdiff_t rows, ptrdiff_t channels) {
  for (ptrdiff_t r = 0; r < rows; r++) {
    const float *in = x + r * channels;
    float *out = y + r * channels;
    const float mean = sum(in, channels) / (float)channels;
    const float variance = sum_of_squares(in, mean, channels) / (float)channels;
    const float inverse = 1.0f / sqrtf(variance + epsilon);
    for (ptrdiff_t c = 0; c < channels; c++) out[c] = (in[c] - mean) * inverse * scale[c] + shift[c];
  }
}

KERNEL void kernels_layer_normalization_panel(
    const float *restrict x, const float *restrict scale, const float *restrict shift, float epsilon,
    float *restrict y, ptrdiff_t channels) {
  const row_vector *in = (const row_vector *)x;
  row_vector *out = (row_vector *)y;
  const row_vector mean = sum_of_rows(in, channels) / (float)channels;
  const row_vector variance = sum_of_squares_of_rows(in, mean, channels) / (float)channels;
  row_vector inverse;
  for (int r = 0; r < LANES; r++) inverse[r] = 1.0f / sqrtf(variance[r] + epsilon);
  for (ptrdiff_t c = 0; c < channels; c++) out[c] = (in[c] - mean) * inverse * scale[c] + shift[c];
}
