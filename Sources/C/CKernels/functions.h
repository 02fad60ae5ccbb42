// Functions of one number, written so that loops over them vectorise; kernels inline them. Products and sums may be fused where
// the machine can.
#pragma once

#include "activations.h"
#include "kernel_target.h"
#include "power_of_two.h"

#include <math.h>

// exp(r) = exp(x) / 2^n with |r| <= ln(2)/2, n being what `shifted` holds: a polynomial of degree 6, relative error below 2^-22.
INLINE float exponential_of_rest(float x, float shifted) {
  const float n = shifted - ROUNDING;
  const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.0f / 720.0f;
  p = p * r + 1.0f / 120.0f;
  p = p * r + 1.0f / 24.0f;
  p = p * r + 1.0f / 6.0f;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  return p;
}

// exp(x) for -87 <= x <= 88; NaN comes through.
INLINE float exponential_in_range(float x) {
  const float shifted = x * 1.44269504f + ROUNDING;
  return times_power_of_two(exponential_of_rest(x, shifted), shifted);
}

// Below -87 the result is 0 (what takes this needs no subnormals), above 88 it saturates.
INLINE float exponential(float x) {
  const float result = exponential_in_range(x < -87.0f ? -87.0f : (x > 88.0f ? 88.0f : x));
  return x < -87.0f ? 0.0f : (x != x ? x : result);
}

// exp(x) for x <= 88, through the subnormals down to 0; NaN comes through.
INLINE float exponential_to_zero(float x) {
  const float inside = x < -104.0f ? -104.0f : x;
  const float shifted = inside * 1.44269504f + ROUNDING;
  return times_small_power_of_two(exponential_of_rest(inside, shifted), shifted);
}

INLINE float sigmoid(float x) { return 1.0f / (1.0f + exponential(-x)); }

// Exact in the limits, where what `sigmoid` is multiplied with covers them.
INLINE float sigmoid_to_zero(float x) {
  const float e = exponential_to_zero(-fabsf(x));
  return (x < 0.0f ? e : 1.0f) / (1.0f + e);
}

// tanh(ln(1 + e^x)) = n / (n + 2) with n = e^x (e^x + 2), which is 1 in float32 from x = 9 on (Misra 2019).
INLINE float mish(float x) {
  const float e = exponential_to_zero(x > 20.0f ? 20.0f : x);
  const float n = e * (e + 2.0f);
  return x * (n / (n + 2.0f));
}

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

// NaN is not below 0, and stays.
INLINE float relu(float x) { return 0.0f > x ? 0.0f : x; }

INLINE float leaky_relu(float x, float slope) { return x > 0.0f ? x : x * slope; }

// y[i] = f(x[i]). Where they overlap, x and y are the same.
#define EACH(value)                                                                                                    \
  _Pragma("clang loop vectorize(assume_safety)") for (ptrdiff_t i = 0; i < count; i++) y[i] = value;                   \
  break

INLINE void activate(kernels_activation activation, const float *x, float *y, ptrdiff_t count) {
  switch (activation.function) {
    case KERNELS_IDENTITY:
      if (x == y) break;
      EACH(x[i]);
    case KERNELS_SILU: EACH(x[i] * sigmoid(x[i]));
    case KERNELS_GELU: EACH(gelu(x[i]));
    case KERNELS_QUICK_GELU: EACH(x[i] * sigmoid(1.702f * x[i]));
    case KERNELS_RELU: EACH(relu(x[i]));
    case KERNELS_LEAKY_RELU: EACH(leaky_relu(x[i], activation.slope));
    case KERNELS_MISH: EACH(mish(x[i]));
    case KERNELS_SIGMOID: EACH(sigmoid_to_zero(x[i]));
  }
}

#undef EACH
