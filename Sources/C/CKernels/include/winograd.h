// Winograd's minimal filtering for channels-last images (Winograd 1980; Lavin and Gray 2016). F(4x4, 3x3): an output tile of
// 4 x 4 pixels takes 36 products instead of 144; F(6x6, 3x3): one of 6 x 6 takes 64 instead of 324. Transforms work on the
// channels of a pixel side by side.
#pragma once

#include "activations.h"

#include <stddef.h>

enum {
  /// Channels come in multiples of this.
  KERNELS_WINOGRAD_CHANNELS = 16,
};

/// One image and its cut into tiles, row by row.
typedef struct {
  /// Output pixels on a side of a tile: 4 or 6. Its window has two more, and as many products as pixels.
  ptrdiff_t tile;
  ptrdiff_t height, width, channels;
  /// Numbers from one pixel to the next.
  ptrdiff_t pixel;
  /// Zeros above and before the image.
  ptrdiff_t top, left;
  /// Tiles in a row of tiles.
  ptrdiff_t columns;
} kernels_winograd_image;

/// Transforms the windows of tiles first ..< first + count: products[p][t][c] with `stride` numbers from one product to
/// the next and `channels` from one tile to the next.
void kernels_winograd_input(
    const float *image, kernels_winograd_image shape, ptrdiff_t first, ptrdiff_t count, float *products,
    ptrdiff_t stride);

/// Transforms summed products back, adds bias[c] and plus[y, x, c] where they are not null, then takes the activation, and
/// writes the first `written` channels of the pixels that lie inside the output. `shape` is the output's, with as many channels
/// as the products have; `top` and `left` do not count. `plus` lies as the image does.
void kernels_winograd_output(
    const float *products, ptrdiff_t stride, kernels_winograd_image shape, ptrdiff_t first, ptrdiff_t count,
    const float *bias, const float *plus, kernels_activation activation, ptrdiff_t written, float *image);

/// Transforms the 3x3 weights of 16 output channels, whose first numbers lie `stride` apart, for `inputs` input channels, a
/// multiple of 16, as tiles of side `tile` need them: panel[p][c][16], one panel of a product's weights (see product.h)
/// each `product_stride` numbers.
void kernels_winograd_weights(
    int tile, const float *weights, ptrdiff_t stride, ptrdiff_t inputs, float *panel, ptrdiff_t product_stride);
