// The transforms of F(4x4, 3x3) over the points 0, 1, -1, 2, -2 and infinity; see winograd.h.
#include "winograd.h"

#include "kernel_target.h"
#include "transpose.h"

enum {
  TILE = KERNELS_WINOGRAD_TILE,
  WINDOW = KERNELS_WINOGRAD_WINDOW,
  LANES = KERNELS_WINOGRAD_CHANNELS,
};

typedef float vector __attribute__((vector_size(4 * LANES), aligned(4)));

INLINE vector load(const float *from) { return *(const vector *)from; }
INLINE void store(float *to, vector value) { *(vector *)to = value; }

// t = B^T d for one line of six.
INLINE void input_line(const vector d[WINDOW], vector t[WINDOW]) {
  const vector a = d[4] - 4.0f * d[2], b = d[3] - 4.0f * d[1];
  const vector c = d[4] - d[2], e = 2.0f * (d[3] - d[1]);
  t[0] = 4.0f * d[0] - 5.0f * d[2] + d[4];
  t[1] = a + b;
  t[2] = a - b;
  t[3] = c + e;
  t[4] = c - e;
  t[5] = 4.0f * d[1] - 5.0f * d[3] + d[5];
}

// y = A^T m for one line of six.
INLINE void output_line(const vector m[WINDOW], vector y[TILE]) {
  const vector a = m[1] + m[2], b = m[1] - m[2];
  const vector c = m[3] + m[4], d = m[3] - m[4];
  y[0] = m[0] + a + c;
  y[1] = b + 2.0f * d;
  y[2] = a + 4.0f * c;
  y[3] = b + 8.0f * d + m[5];
}

KERNEL void kernels_winograd_input(
    const float *image, kernels_winograd_image shape, ptrdiff_t first, ptrdiff_t count, float *products,
    ptrdiff_t stride) {
  const ptrdiff_t channels = shape.channels;
  for (ptrdiff_t tile = 0; tile < count; tile++) {
    const ptrdiff_t row = (first + tile) / shape.columns * TILE - shape.top;
    const ptrdiff_t column = (first + tile) % shape.columns * TILE - shape.left;
    for (ptrdiff_t channel = 0; channel < channels; channel += LANES) {
      vector half[WINDOW][WINDOW];
      for (int x = 0; x < WINDOW; x++) {
        vector line[WINDOW], turned[WINDOW];
        const ptrdiff_t at = column + x;
        for (int y = 0; y < WINDOW; y++) {
          const ptrdiff_t from = row + y;
          const int inside = from >= 0 && from < shape.height && at >= 0 && at < shape.width;
          line[y] = inside ? load(image + (from * shape.width + at) * shape.pixel + channel) : (vector){0};
        }
        input_line(line, turned);
        for (int y = 0; y < WINDOW; y++) half[y][x] = turned[y];
      }
      float *to = products + tile * channels + channel;
      for (int y = 0; y < WINDOW; y++) {
        vector line[WINDOW];
        input_line(half[y], line);
        for (int x = 0; x < WINDOW; x++) store(to + (y * WINDOW + x) * stride, line[x]);
      }
    }
  }
}

KERNEL void kernels_winograd_output(
    const float *products, ptrdiff_t stride, kernels_winograd_image shape, ptrdiff_t first, ptrdiff_t count,
    const float *bias, float *image) {
  const ptrdiff_t channels = shape.channels;
  for (ptrdiff_t tile = 0; tile < count; tile++) {
    const ptrdiff_t row = (first + tile) / shape.columns * TILE, column = (first + tile) % shape.columns * TILE;
    const int rows = shape.height - row < TILE ? (int)(shape.height - row) : TILE;
    const int columns = shape.width - column < TILE ? (int)(shape.width - column) : TILE;
    for (ptrdiff_t channel = 0; channel < channels; channel += LANES) {
      const float *from = products + tile * channels + channel;
      vector half[TILE][WINDOW];
      for (int x = 0; x < WINDOW; x++) {
        vector line[WINDOW], turned[TILE];
        for (int y = 0; y < WINDOW; y++) line[y] = load(from + (y * WINDOW + x) * stride);
        output_line(line, turned);
        for (int y = 0; y < TILE; y++) half[y][x] = turned[y];
      }
      const vector shift = bias ? load(bias + channel) : (vector){0};
      for (int y = 0; y < rows; y++) {
        vector line[TILE];
        output_line(half[y], line);
        float *to = image + ((row + y) * shape.width + column) * shape.pixel + channel;
        for (int x = 0; x < columns; x++) store(to + x * shape.pixel, line[x] + shift);
      }
    }
  }
}

// g' = G g for one line of three, sixteen output channels side by side.
INLINE void weight_line(const vector g[3], vector t[WINDOW]) {
  const vector even = g[0] + g[2], far = g[0] + 4.0f * g[2];
  t[0] = g[0] * (1.0f / 4.0f);
  t[1] = (even + g[1]) * (-1.0f / 6.0f);
  t[2] = (even - g[1]) * (-1.0f / 6.0f);
  t[3] = (far + 2.0f * g[1]) * (1.0f / 24.0f);
  t[4] = (far - 2.0f * g[1]) * (1.0f / 24.0f);
  t[5] = g[2];
}

KERNEL void kernels_winograd_weights(
    const float *weights, ptrdiff_t stride, ptrdiff_t inputs, float *panel, ptrdiff_t product_stride) {
  for (ptrdiff_t first = 0; first < inputs; first += LANES) {
    float turned[9 * LANES * LANES];
    for (int block = 0; block < 9; block++)
      transpose(weights + first * 9 + block * STEPS, stride, LANES, STEPS, turned + block * STEPS * LANES);
    for (ptrdiff_t input = 0; input < LANES; input++) {
      vector half[WINDOW][3];
      for (int x = 0; x < 3; x++) {
        vector line[3], across[WINDOW];
        for (int y = 0; y < 3; y++) line[y] = load(turned + (input * 9 + y * 3 + x) * LANES);
        weight_line(line, across);
        for (int y = 0; y < WINDOW; y++) half[y][x] = across[y];
      }
      float *to = panel + (first + input) * LANES;
      for (int y = 0; y < WINDOW; y++) {
        vector line[WINDOW];
        weight_line(half[y], line);
        for (int x = 0; x < WINDOW; x++) store(to + (y * WINDOW + x) * product_stride, line[x]);
      }
    }
  }
}
