// Weighted sums of pixels of a channels-last image.
#pragma once

#include <stddef.h>

/// A pixel and its weight.
typedef struct {
  /// Where its first channel stands, in numbers.
  ptrdiff_t place;
  float weight;
} kernels_tap;

/// y[c] = the sum of weight * image[place + c] over the taps, in their order; 0 without any.
void kernels_sum_taps(const float *image, const kernels_tap *taps, ptrdiff_t count, ptrdiff_t channels, float *y);
