// Weighted sums of pixels, some vectors of channels at a time; see regions.h.
#include "regions.h"

#include "kernel_target.h"

enum {
  // Channels whose sums stay in registers.
  WIDE = 64,
};

INLINE void sum(const float *image, const kernels_tap *taps, ptrdiff_t count, ptrdiff_t channels, float *y) {
  float sums[WIDE] = {0};
  for (ptrdiff_t t = 0; t < count; t++)
    for (ptrdiff_t c = 0; c < channels; c++) sums[c] += taps[t].weight * image[taps[t].place + c];
  for (ptrdiff_t c = 0; c < channels; c++) y[c] = sums[c];
}

KERNEL void kernels_sum_taps(
    const float *restrict image, const kernels_tap *restrict taps, ptrdiff_t count, ptrdiff_t channels,
    float *restrict y) {
  ptrdiff_t c = 0;
  for (; c + WIDE <= channels; c += WIDE) sum(image + c, taps, count, WIDE, y + c);
  if (c < channels) sum(image + c, taps, count, channels - c, y + c);
}
