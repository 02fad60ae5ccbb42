// Pooling of channels-last images: the greatest number of each window, or the mean.
#pragma once

#include <stddef.h>

/// An image, and how windows go over it. Each window has at least one pixel of the image.
typedef struct {
  ptrdiff_t height, width, channels;
  /// Rows and columns of a window.
  ptrdiff_t rows, columns;
  /// Pixels from one window to the next.
  ptrdiff_t stride;
  /// Pixels above and before the image; they never are the greatest, and add nothing.
  ptrdiff_t top, left;
  /// Windows in a row of the result.
  ptrdiff_t windows;
  /// Means divide by the window's pixels that lie in the image, or by all of them.
  int counts_all;
} kernels_pooling;

/// The greatest numbers of row `row` of windows, y[window, channel]. Not-a-number is greater than all others. `line` has room
/// for a row of the image.
void kernels_pool_greatest(const float *image, kernels_pooling shape, ptrdiff_t row, float *line, float *y);

/// The means of row `row` of windows, y[window, channel]. Sums go down the columns, then along the row.
void kernels_pool_mean(const float *image, kernels_pooling shape, ptrdiff_t row, float *line, float *y);
