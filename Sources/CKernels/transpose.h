// Sixteen columns that lie apart, turned so that the numbers of one step lie side by side.
#pragma once

#include "kernel_target.h"

#include <stddef.h>
#include <string.h>

enum {
  /// Steps that are turned at once.
  STEPS = 16,
  TURNED_COLUMNS = 16,
  TURNED_LANES = 8,
};

#pragma clang diagnostic ignored "-Wpsabi"

typedef float turned_vector __attribute__((vector_size(4 * TURNED_LANES), aligned(4)));

// An 8 x 8 block: pairs, then fours, then halves.
INLINE void transpose_block(const float *from, ptrdiff_t stride, float *to) {
  turned_vector a[8], b[8];
#pragma clang loop unroll(full)
  for (int r = 0; r < 8; r++) a[r] = *(const turned_vector *)(from + r * stride);
#pragma clang loop unroll(full)
  for (int r = 0; r < 8; r += 2) {
    b[r] = __builtin_shufflevector(a[r], a[r + 1], 0, 8, 1, 9, 4, 12, 5, 13);
    b[r + 1] = __builtin_shufflevector(a[r], a[r + 1], 2, 10, 3, 11, 6, 14, 7, 15);
  }
#pragma clang loop unroll(full)
  for (int r = 0; r < 8; r += 4) {
    a[r] = __builtin_shufflevector(b[r], b[r + 2], 0, 1, 8, 9, 4, 5, 12, 13);
    a[r + 1] = __builtin_shufflevector(b[r], b[r + 2], 2, 3, 10, 11, 6, 7, 14, 15);
    a[r + 2] = __builtin_shufflevector(b[r + 1], b[r + 3], 0, 1, 8, 9, 4, 5, 12, 13);
    a[r + 3] = __builtin_shufflevector(b[r + 1], b[r + 3], 2, 3, 10, 11, 6, 7, 14, 15);
  }
#pragma clang loop unroll(full)
  for (int r = 0; r < 4; r++) {
    const turned_vector low = __builtin_shufflevector(a[r], a[r + 4], 0, 1, 2, 3, 8, 9, 10, 11);
    const turned_vector high = __builtin_shufflevector(a[r], a[r + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    *(turned_vector *)(to + r * TURNED_COLUMNS) = low;
    *(turned_vector *)(to + (r + 4) * TURNED_COLUMNS) = high;
  }
}

/// to[s, c] = from[c * stride + s] for at most 16 steps and columns; columns beyond `width` become 0.
INLINE void transpose(const float *from, ptrdiff_t stride, ptrdiff_t width, ptrdiff_t steps, float *to) {
  if (width == TURNED_COLUMNS && steps == STEPS) {
    for (int s = 0; s < STEPS; s += 8)
      for (int c = 0; c < TURNED_COLUMNS; c += 8)
        transpose_block(from + c * stride + s, stride, to + s * TURNED_COLUMNS + c);
    return;
  }
  // An edge: what it lacks is filled up first.
  float whole[TURNED_COLUMNS * STEPS];
  memset(whole, 0, sizeof whole);
  for (ptrdiff_t c = 0; c < width; c++) memcpy(whole + c * STEPS, from + c * stride, (size_t)steps * sizeof(float));
  float turned[STEPS * TURNED_COLUMNS];
  for (int s = 0; s < STEPS; s += 8)
    for (int c = 0; c < TURNED_COLUMNS; c += 8)
      transpose_block(whole + c * STEPS + s, STEPS, turned + s * TURNED_COLUMNS + c);
  memcpy(to, turned, (size_t)steps * TURNED_COLUMNS * sizeof(float));
}
