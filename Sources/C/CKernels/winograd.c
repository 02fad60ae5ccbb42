// Winograd's transforms of whole tiles, first down their columns, then along their rows; see winograd.h.
#include "winograd.h"

#include "functions.h"
#include "kernel_target.h"
#include "transpose.h"
#include "winograd_lines.h"

_Static_assert(LANES == KERNELS_WINOGRAD_CHANNELS, "channels come in whole vectors");
_Static_assert(LANES == STEPS && LANES == TURNED_COLUMNS, "weights are turned a vector of inputs and channels at a time");

INLINE vector load(const float *from) { return *(const vector *)from; }
INLINE void store(float *to, vector value) { *(vector *)to = value; }

INLINE void input(
    const int side, const float *image, kernels_winograd_image shape, ptrdiff_t first, ptrdiff_t count, float *products,
    ptrdiff_t stride) {
  const int window = side + 2;
  const ptrdiff_t channels = shape.channels;
  for (ptrdiff_t tile = 0; tile < count; tile++) {
    const ptrdiff_t row = (first + tile) / shape.columns * side - shape.top;
    const ptrdiff_t column = (first + tile) % shape.columns * side - shape.left;
    for (ptrdiff_t channel = 0; channel < channels; channel += LANES) {
      vector half[MOST_WINDOW][MOST_WINDOW];
      for (int x = 0; x < window; x++) {
        vector line[MOST_WINDOW], turned[MOST_WINDOW];
        const ptrdiff_t at = column + x;
        for (int y = 0; y < window; y++) {
          const ptrdiff_t from = row + y;
          const int inside = from >= 0 && from < shape.height && at >= 0 && at < shape.width;
          line[y] = inside ? load(image + (from * shape.width + at) * shape.pixel + channel) : (vector){0};
        }
        input_line(side, line, turned);
        for (int y = 0; y < window; y++) half[y][x] = turned[y];
      }
      float *to = products + tile * channels + channel;
      for (int y = 0; y < window; y++) {
        vector line[MOST_WINDOW];
        input_line(side, half[y], line);
        for (int x = 0; x < window; x++) store(to + (y * window + x) * stride, line[x]);
      }
    }
  }
}

KERNEL void kernels_winograd_input(
    const float *image, kernels_winograd_image shape, ptrdiff_t first, ptrdiff_t count, float *products,
    ptrdiff_t stride) {
  if (shape.tile == 4) input(4, image, shape, first, count, products, stride);
  else input(6, image, shape, first, count, products, stride);
}

// How a pixel ends: as it is, or with an activation; each has separate loops.
typedef enum { PLAIN, WITH_RELU, WITH_LEAKY_RELU, WITH_OTHER } ending;

INLINE vector ended(const ending end, kernels_activation activation, vector sum) {
  if (end == WITH_RELU) return 0 > sum ? 0 : sum;
  if (end == WITH_LEAKY_RELU) return sum > 0 ? sum : sum * activation.slope;
  if (end == WITH_OTHER) activate(activation, (const float *)&sum, (float *)&sum, LANES);
  return sum;
}

INLINE void output(
    const int side, const ending end, const float *products, ptrdiff_t stride, kernels_winograd_image shape, ptrdiff_t first,
    ptrdiff_t count, const float *bias, const float *plus, kernels_activation activation, ptrdiff_t written,
    float *image) {
  const int window = side + 2;
  const ptrdiff_t channels = shape.channels;
  for (ptrdiff_t tile = 0; tile < count; tile++) {
    const ptrdiff_t row = (first + tile) / shape.columns * side, column = (first + tile) % shape.columns * side;
    const int rows = shape.height - row < side ? (int)(shape.height - row) : side;
    const int columns = shape.width - column < side ? (int)(shape.width - column) : side;
    for (ptrdiff_t channel = 0; channel < channels; channel += LANES) {
      const float *from = products + tile * channels + channel;
      vector half[MOST_TILE][MOST_WINDOW];
      for (int x = 0; x < window; x++) {
        vector line[MOST_WINDOW], turned[MOST_TILE];
        for (int y = 0; y < window; y++) line[y] = load(from + (y * window + x) * stride);
        output_line(side, line, turned);
        for (int y = 0; y < side; y++) half[y][x] = turned[y];
      }
      const vector shift = bias ? load(bias + channel) : (vector){0};
      for (int y = 0; y < rows; y++) {
        vector line[MOST_TILE];
        output_line(side, half[y], line);
        const ptrdiff_t at = ((row + y) * shape.width + column) * shape.pixel + channel;
        for (int x = 0; x < columns; x++) {
          const ptrdiff_t pixel = at + x * shape.pixel;
          vector sum = line[x] + shift;
          if (channel + LANES <= written) {
            if (plus) sum += load(plus + pixel);
            store(image + pixel, ended(end, activation, sum));
          } else {
            vector more = {0};
            for (ptrdiff_t c = 0; plus && c < written - channel; c++) more[c] = plus[pixel + c];
            const vector last = ended(end, activation, plus ? sum + more : sum);
            for (ptrdiff_t c = 0; c < written - channel; c++) image[pixel + c] = last[c];
          }
        }
      }
    }
  }
}

KERNEL void kernels_winograd_output(
    const float *products, ptrdiff_t stride, kernels_winograd_image shape, ptrdiff_t first, ptrdiff_t count,
    const float *bias, const float *plus, kernels_activation activation, ptrdiff_t written, float *image) {
#define OUTPUT(side, end) \
  output(side, end, products, stride, shape, first, count, bias, plus, activation, written, image)
#define OUTPUTS(end) \
  if (shape.tile == 4) OUTPUT(4, end); \
  else OUTPUT(6, end)
  switch (activation.function) {
    case KERNELS_IDENTITY: OUTPUTS(PLAIN); break;
    case KERNELS_RELU: OUTPUTS(WITH_RELU); break;
    case KERNELS_LEAKY_RELU: OUTPUTS(WITH_LEAKY_RELU); break;
    default: OUTPUTS(WITH_OTHER); break;
  }
}

// Sixteen output channels side by side.
INLINE void weights_of_inputs(
    const int side, const float *weights, ptrdiff_t stride, ptrdiff_t inputs, float *panel, ptrdiff_t product_stride) {
  const int window = side + 2;
  for (ptrdiff_t first = 0; first < inputs; first += LANES) {
    turned_vector turned[9 * STEPS];
    for (int block = 0; block < 9; block++)
      transpose_block(weights + first * 9 + block * STEPS, stride, turned + block * STEPS);
    for (ptrdiff_t input = 0; input < LANES; input++) {
      vector half[MOST_WINDOW][3];
      for (int x = 0; x < 3; x++) {
        vector line[3], across[MOST_WINDOW];
        for (int y = 0; y < 3; y++) line[y] = turned[input * 9 + y * 3 + x];
        weight_line(side, line, across);
        for (int y = 0; y < window; y++) half[y][x] = across[y];
      }
      float *to = panel + (first + input) * LANES;
      for (int y = 0; y < window; y++) {
        vector line[MOST_WINDOW];
        weight_line(side, half[y], line);
        for (int x = 0; x < window; x++) store(to + (y * window + x) * product_stride, line[x]);
      }
    }
  }
}

KERNEL void kernels_winograd_weights(
    int tile, const float *weights, ptrdiff_t stride, ptrdiff_t inputs, float *panel, ptrdiff_t product_stride) {
  if (tile == 4) weights_of_inputs(4, weights, stride, inputs, panel, product_stride);
  else weights_of_inputs(6, weights, stride, inputs, panel, product_stride);
}
