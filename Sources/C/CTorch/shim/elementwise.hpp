// One number at a time, and moves.
#pragma once

#include "results.hpp"

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/mish.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/upsample_nearest2d.h>

namespace shim {

inline at::Tensor quick_gelu(const at::Tensor &x) {
  // The library's own activations are computed in float32 inside, and so is this.
  auto floats = x.to(at::kFloat);
  return at::sigmoid(floats.mul(1.702)).mul_(floats).to(x.scalar_type());
}

inline at::Tensor activated(const at::Tensor &x, torch_activation activation) {
  switch (activation.kind) {
  case torch_none: return x;
  case torch_silu: return at::silu(x);
  case torch_gelu: return at::gelu(x);
  case torch_quick_gelu: return quick_gelu(x);
  case torch_relu: return at::relu(x);
  case torch_leaky_relu: return at::leaky_relu(x, activation.slope);
  case torch_mish: return at::mish(x);
  case torch_sigmoid: return at::sigmoid(x);
  }
  TORCH_CHECK(false, "no activation has the number ", activation.kind);
}

/// The same of numbers that nobody else has seen, in their place where that is possible.
inline at::Tensor activated_in_place(at::Tensor x, torch_activation activation) {
  switch (activation.kind) {
  case torch_silu: return at::silu_(x);
  case torch_relu: return at::relu_(x);
  default: return activated(x, activation);
  }
}

inline int activate(
    const torch_context *context, const torch_tensor *x, torch_activation activation, torch_storage **result) {
  return guarded(context, [&] { *result = stored(activated(view(x), activation)); });
}

inline int gated_gelu(const torch_context *context, const torch_tensor *x, torch_storage **result) {
  return guarded(context, [&] {
    auto halves = view(x).chunk(2, -1);
    *result = stored(at::gelu(halves[1]).mul_(halves[0]));
  });
}

inline int add(const torch_context *context, const torch_tensor *x, const torch_tensor *y, torch_storage **result) {
  return guarded(context, [&] { *result = stored(view(x).add(view(y))); });
}

inline int add_per_image(
    const torch_context *context, const torch_tensor *x, const torch_tensor *rows, torch_storage **result) {
  return guarded(context, [&] {
    auto images = shape(x).front(), channels = shape(x).back();
    if (images * channels == 0) {
      *result = stored(view(x));
      return;
    }
    *result = stored(view(x).view({images, -1, channels}).add(view(rows).view({images, 1, channels})));
  });
}

inline int concatenate_channels(
    const torch_context *context, const torch_tensor *x, const torch_tensor *y, torch_storage **result) {
  return guarded(context, [&] { *result = stored(at::cat({view(x), view(y)}, -1)); });
}

inline int channels(
    const torch_context *context, const torch_tensor *x, int64_t first, int64_t count, torch_storage **result) {
  return guarded(context, [&] { *result = stored(view(x).narrow(-1, first, count)); });
}

/// For each of `count` outputs the input that it shows, of `from`: whole numbers, computed on the device, so that a graph can
/// capture it.
inline at::Tensor shown(const torch_context *context, int64_t count, int64_t from) {
  return at::arange(count, at::TensorOptions().dtype(at::kLong).device(device(context)))
      .mul_(from)
      .floor_divide_(count);
}

inline int upsample_nearest(
    const torch_context *context, const torch_tensor *x, int64_t rows, int64_t columns, torch_storage **result) {
  return guarded(context, [&] {
    auto from = view(x);
    if (rows == 2 * from.size(1) && columns == 2 * from.size(2) && from.size(0) > 0) {
      *result = stored(channels_last(at::upsample_nearest2d(image(from), {rows, columns})));
      return;
    }
    // libtorch multiplies with a rounded ratio, which may miss the pixel by one.
    auto tall = at::index_select(from, 1, shown(context, rows, from.size(1)));
    *result = stored(at::index_select(tall, 2, shown(context, columns, from.size(2))));
  });
}

inline int embedding(
    const torch_context *context, const torch_tensor *table, const int64_t *identifiers, int64_t count,
    torch_storage **result) {
  return guarded(context, [&] {
    auto rows = at::from_blob(
        const_cast<int64_t *>(identifiers), {count}, at::TensorOptions().dtype(at::kLong));
    *result = stored(at::embedding(view(table), rows.to(device(context))));
  });
}

} // namespace shim
