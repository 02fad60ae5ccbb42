// Softmax over keys that lie one after the other, sixteen queries to a vector; see attention.h.
#include "attention.h"

#include "kernel_target.h"
#include "power_of_two.h"
#include "product.h"

enum { QUERIES = KERNELS_ATTENTION_QUERIES };

_Static_assert(QUERIES == KERNELS_PANEL_COLUMNS, "weights that the softmax leaves are panels of the next product");

#pragma clang diagnostic ignored "-Wpsabi"

typedef float vector __attribute__((vector_size(4 * QUERIES), aligned(4)));

// 2^x = 2^n * 2^f with |f| <= 1/2: a polynomial of degree 5 in f with the least greatest relative error, 9.1e-8, under the
// condition that 2^0 is 1. For x <= 0; below -125 it stays at 2^-125. NaN comes through.
INLINE float power_of_two(float x) {
  const float inside = x < -125.0f ? -125.0f : x;
  const float shifted = inside + ROUNDING;
  const float f = inside - (shifted - ROUNDING);
  float p = 0.001326472731307149f;
  p = p * f + 0.009671512991189957f;
  p = p * f + 0.05550733581185341f;
  p = p * f + 0.24022242426872253f;
  p = p * f + 0.6931470036506653f;
  p = p * f + 1.0f;
  return times_power_of_two(p, shifted);
}

KERNEL void kernels_mask_later(float *scores, ptrdiff_t keys, ptrdiff_t ahead, float value) {
  for (ptrdiff_t key = ahead + 1 > 0 ? ahead + 1 : 0; key < keys; key++)
    for (ptrdiff_t q = 0; q < QUERIES; q++)
      if (key > q + ahead) scores[key * QUERIES + q] = value;
}

KERNEL void kernels_softmax_piece(
    float *restrict scores, ptrdiff_t keys, float *restrict maxima, float *restrict sums, float *restrict factors) {
  // Two maxima, of even keys and of odd ones, since each comparison waits for the one before it.
  float now[QUERIES], other[QUERIES], added[QUERIES] = {0};
  for (int q = 0; q < QUERIES; q++) now[q] = other[q] = maxima[q];
  for (ptrdiff_t key = 0; key + 1 < keys; key += 2) {
    const float *row = scores + key * QUERIES;
    for (int q = 0; q < QUERIES; q++) now[q] = row[q] > now[q] ? row[q] : now[q];
    for (int q = 0; q < QUERIES; q++) other[q] = row[QUERIES + q] > other[q] ? row[QUERIES + q] : other[q];
  }
  if (keys % 2)
    for (int q = 0; q < QUERIES; q++) {
      const float last = scores[(keys - 1) * QUERIES + q];
      other[q] = last > other[q] ? last : other[q];
    }
  for (int q = 0; q < QUERIES; q++) now[q] = other[q] > now[q] ? other[q] : now[q];
  for (ptrdiff_t key = 0; key < keys; key++) {
    float *row = scores + key * QUERIES;
    for (int q = 0; q < QUERIES; q++) {
      row[q] = power_of_two(row[q] - now[q]);
      added[q] += row[q];
    }
  }
  for (int q = 0; q < QUERIES; q++) {
    // The first piece starts at minus infinity, and with nothing to scale.
    factors[q] = maxima[q] == now[q] ? 1.0f : power_of_two(maxima[q] - now[q]);
    sums[q] = sums[q] * factors[q] + added[q];
    maxima[q] = now[q];
  }
}

KERNEL void kernels_scale_queries(float *values, ptrdiff_t channels, const float *factors) {
  // Maxima seldom change after the first pieces.
  int unchanged = 1;
  for (int q = 0; q < QUERIES; q++) unchanged &= factors[q] == 1.0f;
  if (unchanged) return;
  const vector each = *(const vector *)factors;
  for (ptrdiff_t c = 0; c < channels; c++) *(vector *)(values + c * QUERIES) *= each;
}
