// Scalar loops written so that the compiler vectorises them; see kernels.h for what each computes.
#include "kernels.h"

#include "kernel_target.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

// A compiler may not reassociate sums into lanes, so sums here are written in lanes of their own, in an order that does
// not depend on the width of the machine's vectors. Products and sums may be fused where the machine can.

enum { LANES = 16 };

// exp(x) = 2^n * exp(r) with |r| <= ln(2)/2: a polynomial of degree 6 in r, relative error below 2^-22. For -87 <= x <= 88;
// NaN comes through.
INLINE float exponential_in_range(float x) {
  // Adding and subtracting 1.5 * 2^23 rounds to the nearest integer.
  const float shifted = x * 1.44269504f + 12582912.0f;
  const float n = shifted - 12582912.0f;
  const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.0f / 720.0f;
  p = p * r + 1.0f / 120.0f;
  p = p * r + 1.0f / 24.0f;
  p = p * r + 1.0f / 6.0f;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  uint32_t bits;
  memcpy(&bits, &shifted, 4);
  bits = (bits + 127u) << 23;
  float power;
  memcpy(&power, &bits, 4);
  return p * power;
}

// Below -87 the result is 0 (nothing here needs subnormals), above 88 it saturates.
INLINE float exponential(float x) {
  const float result = exponential_in_range(x < -87.0f ? -87.0f : (x > 88.0f ? 88.0f : x));
  return x < -87.0f ? 0.0f : (x != x ? x : result);
}

// exp(x) for x <= 0, as softmax needs it: below -87 it stays at exp(-87), 1.6e-38.
INLINE float exponential_of_negative(float x) { return exponential_in_range(x < -87.0f ? -87.0f : x); }

INLINE float sigmoid(float x) { return 1.0f / (1.0f + exponential(-x)); }

// erfc(z) for z >= 0 as t * exp(-z^2 + P(t)), t = 1 / (1 + z / 2), relative error below 1.2e-7 before rounding
// (Press et al., Numerical Recipes, section 6.2).
INLINE float complementary_error(float z) {
  const float t = 1.0f / (1.0f + 0.5f * z);
  float p = 0.17087277f;
  p = p * t - 0.82215223f;
  p = p * t + 1.48851587f;
  p = p * t - 1.13520398f;
  p = p * t + 0.27886807f;
  p = p * t - 0.18628806f;
  p = p * t + 0.09678418f;
  p = p * t + 0.37409196f;
  p = p * t + 1.00002368f;
  p = p * t - 1.26551223f;
  return t * exponential(p - z * z);
}

INLINE float gelu(float x) {
  const float tail = 0.5f * complementary_error(fabsf(x) * 0.707106781f);
  return x * (x < 0.0f ? tail : 1.0f - tail);
}

KERNEL void kernels_silu(const float *x, float *y, ptrdiff_t count) {
  for (ptrdiff_t i = 0; i < count; i++) y[i] = x[i] * sigmoid(x[i]);
}

KERNEL void kernels_quick_gelu(const float *x, float *y, ptrdiff_t count) {
  for (ptrdiff_t i = 0; i < count; i++) y[i] = x[i] * sigmoid(1.702f * x[i]);
}

KERNEL void kernels_gelu(const float *x, float *y, ptrdiff_t count) {
  for (ptrdiff_t i = 0; i < count; i++) y[i] = gelu(x[i]);
}

KERNEL void kernels_gated_gelu(const float *x, float *y, ptrdiff_t rows, ptrdiff_t channels) {
  for (ptrdiff_t r = 0; r < rows; r++) {
    const float *restrict value = x + 2 * r * channels;
    const float *restrict gate = value + channels;
    float *restrict out = y + r * channels;
    for (ptrdiff_t c = 0; c < channels; c++) out[c] = value[c] * gelu(gate[c]);
  }
}

KERNEL void kernels_add(const float *a, const float *b, float *y, ptrdiff_t count) {
  for (ptrdiff_t i = 0; i < count; i++) y[i] = a[i] + b[i];
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
    const float *x, const float *scale, const float *shift, float *y, ptrdiff_t rows, ptrdiff_t channels, int silu) {
  for (ptrdiff_t r = 0; r < rows; r++) {
    const float *in = x + r * channels;
    float *out = y + r * channels;
    if (silu)
      for (ptrdiff_t c = 0; c < channels; c++) {
        const float v = in[c] * scale[c] + shift[c];
        out[c] = v * sigmoid(v);
      }
    else
      for (ptrdiff_t c = 0; c < channels; c++) out[c] = in[c] * scale[c] + shift[c];
  }
}

// The sum of all lanes, halves by halves: one after the other each addition would wait for the last.
INLINE float total(float lanes[LANES]) {
#pragma clang loop unroll(full)
  for (int half = LANES / 2; half > 0; half /= 2)
    for (int l = 0; l < half; l++) lanes[l] += lanes[l + half];
  return lanes[0];
}

// The sum of the first `count` numbers, in lanes.
INLINE float sum(const float *x, ptrdiff_t count) {
  float lanes[LANES] = {0};
  ptrdiff_t i = 0;
  for (; i + LANES <= count; i += LANES)
    for (int l = 0; l < LANES; l++) lanes[l] += x[i + l];
  float sum = total(lanes);
  for (; i < count; i++) sum += x[i];
  return sum;
}

INLINE float sum_of_squares(const float *x, float mean, ptrdiff_t count) {
  float lanes[LANES] = {0};
  ptrdiff_t i = 0;
  for (; i + LANES <= count; i += LANES)
    for (int l = 0; l < LANES; l++) {
      const float d = x[i + l] - mean;
      lanes[l] += d * d;
    }
  float sum = total(lanes);
  for (; i < count; i++) sum += (x[i] - mean) * (x[i] - mean);
  return sum;
}

// The largest of `start` and `count` numbers, a multiple of LANES: four vectors at a time, since each waits for its last.
INLINE float maximum(const float *x, float start, ptrdiff_t count) {
  float lanes[4 * LANES];
  for (int l = 0; l < 4 * LANES; l++) lanes[l] = start;
  ptrdiff_t i = 0;
  for (; i + 4 * LANES <= count; i += 4 * LANES)
    for (int l = 0; l < 4 * LANES; l++) lanes[l] = x[i + l] > lanes[l] ? x[i + l] : lanes[l];
  for (; i < count; i += LANES)
    for (int l = 0; l < LANES; l++) lanes[l] = x[i + l] > lanes[l] ? x[i + l] : lanes[l];
  // Halves against halves: one after the other would take longer than all vectors did.
#pragma clang loop unroll(full)
  for (int half = 2 * LANES; half > 0; half /= 2)
    for (int l = 0; l < half; l++) lanes[l] = lanes[l + half] > lanes[l] ? lanes[l + half] : lanes[l];
  return lanes[0];
}

// x becomes exp(x - most); returns the sum. `count` is a multiple of LANES.
INLINE float exponentials(float *x, float most, ptrdiff_t count) {
  float lanes[LANES] = {0};
  for (ptrdiff_t i = 0; i < count; i += LANES)
    for (int l = 0; l < LANES; l++) {
      x[i + l] = exponential_of_negative(x[i + l] - most);
      lanes[l] += x[i + l];
    }
  return total(lanes);
}

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

KERNEL void kernels_softmax_piece(
    float *restrict s, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t columns, const ptrdiff_t *restrict limits,
    float *restrict maxima, float *restrict sums, float *restrict factors) {
  for (ptrdiff_t r = 0; r < rows; r++) {
    float *row = s + r * stride;
    const ptrdiff_t limit = limits[r], whole = (limit + LANES - 1) / LANES * LANES;
    // Beyond the limit 10^-38 each at most: nothing beside the largest, which is 1.
    for (ptrdiff_t c = limit; c < whole; c++) row[c] = -INFINITY;
    const float before = maxima[r];
    const float now = maximum(row, before, whole);
    const float added = exponentials(row, now, whole);
    for (ptrdiff_t c = limit; c < columns; c++) row[c] = 0;
    // The first piece starts at minus infinity, whose factor is 0 unless nothing has counted yet.
    factors[r] = before == now ? 1.0f : exponential(before - now);
    sums[r] = sums[r] * factors[r] + added;
    maxima[r] = now;
  }
}

KERNEL void kernels_scale_rows(
    float *y, ptrdiff_t stride, const float *factors, ptrdiff_t rows, ptrdiff_t channels) {
  for (ptrdiff_t r = 0; r < rows; r++)
    for (ptrdiff_t c = 0; c < channels; c++) y[r * stride + c] *= factors[r];
}
