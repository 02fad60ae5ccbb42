// Sixteen columns that lie apart, turned so that the numbers of one step lie side by side.
#pragma once

#include "kernel_target.h"

#include <stddef.h>
#include <string.h>

enum {
  /// Steps that are turned at once.
  STEPS = 16,
  TURNED_COLUMNS = 16,
};

#pragma clang diagnostic ignored "-Wpsabi"

typedef float turned_vector __attribute__((vector_size(4 * TURNED_COLUMNS), aligned(4)));

// In each quarter of a and b: two numbers of both, from `n` on, in turns; and two pairs.
#define TURNS(a, b, n)                                                                                                 \
  __builtin_shufflevector(                                                                                             \
      a, b, n, 16 + n, n + 1, 17 + n, 4 + n, 20 + n, 5 + n, 21 + n, 8 + n, 24 + n, 9 + n, 25 + n, 12 + n, 28 + n,      \
      13 + n, 29 + n)
#define PAIRS(a, b, n)                                                                                                 \
  __builtin_shufflevector(                                                                                             \
      a, b, n, n + 1, 16 + n, 17 + n, 4 + n, 5 + n, 20 + n, 21 + n, 8 + n, 9 + n, 24 + n, 25 + n, 12 + n, 13 + n,      \
      28 + n, 29 + n)
// Every second quarter of a, then of b, from number `n` on.
#define QUARTERS(a, b, n)                                                                                              \
  __builtin_shufflevector(                                                                                             \
      a, b, n, n + 1, n + 2, n + 3, n + 8, n + 9, n + 10, n + 11, n + 16, n + 17, n + 18, n + 19, n + 24, n + 25,      \
      n + 26, n + 27)

// A 16 x 16 block, in registers: pairs, fours, then the quarters of vectors.
INLINE void transpose_block(const float *from, ptrdiff_t stride, turned_vector to[STEPS]) {
  turned_vector a[TURNED_COLUMNS], b[TURNED_COLUMNS];
#pragma clang loop unroll(full)
  for (int r = 0; r < 16; r++) a[r] = *(const turned_vector *)(from + r * stride);
#pragma clang loop unroll(full)
  for (int r = 0; r < 16; r += 2) {
    b[r] = TURNS(a[r], a[r + 1], 0);
    b[r + 1] = TURNS(a[r], a[r + 1], 2);
  }
#pragma clang loop unroll(full)
  for (int r = 0; r < 16; r += 4) {
    a[r] = PAIRS(b[r], b[r + 2], 0);
    a[r + 1] = PAIRS(b[r], b[r + 2], 2);
    a[r + 2] = PAIRS(b[r + 1], b[r + 3], 0);
    a[r + 3] = PAIRS(b[r + 1], b[r + 3], 2);
  }
#pragma clang loop unroll(full)
  for (int r = 0; r < 4; r++) {
    const turned_vector even = QUARTERS(a[r], a[r + 4], 0), odd = QUARTERS(a[r], a[r + 4], 4);
    const turned_vector even2 = QUARTERS(a[r + 8], a[r + 12], 0), odd2 = QUARTERS(a[r + 8], a[r + 12], 4);
    to[r] = QUARTERS(even, even2, 0);
    to[r + 4] = QUARTERS(odd, odd2, 0);
    to[r + 8] = QUARTERS(even, even2, 4);
    to[r + 12] = QUARTERS(odd, odd2, 4);
  }
}

/// to[s][c] = from[c * stride + s] for at most 16 steps and columns; what they lack becomes 0.
INLINE void transpose(
    const float *from, ptrdiff_t stride, ptrdiff_t width, ptrdiff_t steps, turned_vector to[STEPS]) {
  if (width == TURNED_COLUMNS && steps == STEPS) {
    transpose_block(from, stride, to);
    return;
  }
  float whole[TURNED_COLUMNS * STEPS];
  memset(whole, 0, sizeof whole);
  for (ptrdiff_t c = 0; c < width; c++) memcpy(whole + c * STEPS, from + c * stride, (size_t)steps * sizeof(float));
  transpose_block(whole, STEPS, to);
}
