// Whole layers: products, attention, normalization, pooling.
#pragma once

#include "elementwise.hpp"
#include "results.hpp"

#include <ATen/ops/avg_pool2d.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/group_norm.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/scaled_dot_product_attention.h>

#include <limits>

namespace shim {

inline int linear(
    const torch_context *context, const torch_tensor *x, const torch_tensor *weight, const torch_tensor *bias,
    const torch_tensor *shortcut, torch_storage **result) {
  return guarded(context, [&] {
    auto y = at::linear(view(x), view(weight), optional_view(bias));
    if (is_there(shortcut)) y.add_(view(shortcut));
    *result = stored(y);
  });
}

/// A convolution's weight with the inputs next to each other, as channels-last kernels want it. What is this storage's own memory
/// is turned once and for all; a file's pages stay as they lie.
inline at::Tensor kernel(const torch_tensor *weight) {
  auto *storage = weight->storage;
  int64_t count = storage->turned.defined() ? storage->turned.numel() : storage->flat.numel();
  bool is_whole = weight->offset == 0 && weight->rank == 4 && c10::multiply_integers(shape(weight)) == count;
  if (!is_whole) return view(weight);
  // Another shape of the same count is another kernel.
  if (storage->turned.defined()) return storage->turned.sizes() == shape(weight) ? storage->turned : view(weight);
  bool is_mapped = !storage->flat.storage().resizable();
  if (is_mapped) return view(weight);
  storage->turned = view(weight).contiguous(at::MemoryFormat::ChannelsLast);
  storage->flat.reset();
  return storage->turned;
}

inline bool is_even(torch_padding padding) { return padding.top == padding.bottom && padding.left == padding.right; }

inline at::Tensor padded(const at::Tensor &image, torch_padding padding, float value) {
  return at::constant_pad_nd(image, {padding.left, padding.right, padding.top, padding.bottom}, value);
}

inline int convolution(
    const torch_context *context, const torch_tensor *x, const torch_tensor *weight, const torch_tensor *bias,
    int64_t stride, torch_padding padding, const torch_tensor *shortcut, torch_activation activation,
    torch_storage **result) {
  return guarded(context, [&] {
    auto from = image(view(x));
    if (!is_even(padding)) {
      from = padded(from, padding, 0);
      padding = {0, 0, 0, 0};
    }
    auto y = at::conv2d(from, kernel(weight), optional_view(bias), stride, {padding.top, padding.left});
    if (is_there(shortcut)) y.add_(image(view(shortcut)));
    *result = stored(channels_last(activated_in_place(y, activation)));
  });
}

/// `[batch, positions, heads * size]` as `[batch, heads, positions, size]`, in the same memory.
inline at::Tensor in_heads(const torch_tensor *x, int64_t heads) {
  auto size = shape(x)[2] / heads;
  return view(x).view({shape(x)[0], shape(x)[1], heads, size}).transpose(1, 2);
}

inline int attention(
    const torch_context *context, const torch_tensor *queries, const torch_tensor *keys, const torch_tensor *values,
    int64_t heads, int32_t is_causal, torch_storage **result) {
  return guarded(context, [&] {
    auto y = at::scaled_dot_product_attention(
        in_heads(queries, heads), in_heads(keys, heads), in_heads(values, heads), std::nullopt, 0.0, is_causal != 0);
    *result = stored(y.transpose(1, 2));
  });
}

inline int group_normalization(
    const torch_context *context, const torch_tensor *x, int64_t groups, const torch_tensor *scale,
    const torch_tensor *shift, float epsilon, torch_activation activation, torch_storage **result) {
  return guarded(context, [&] {
    auto from = view(x);
    if (from.numel() == 0) {
      *result = stored(from);
      return;
    }
    auto columns = image(from.view({from.size(0), -1, 1, from.size(-1)}));
    // The processor's kernel rounds the factors of a channel to the precision of its input, which a large mean multiplies.
    auto type = context->device < 0 ? at::kFloat : from.scalar_type();
    auto y = at::group_norm(columns.to(type), groups, view(scale).to(type), view(shift).to(type), epsilon)
                 .to(from.scalar_type());
    *result = stored(channels_last(activated_in_place(y, activation)));
  });
}

inline int layer_normalization(
    const torch_context *context, const torch_tensor *x, const torch_tensor *scale, const torch_tensor *shift,
    float epsilon, torch_storage **result) {
  return guarded(context, [&] {
    *result = stored(at::layer_norm(view(x), {shape(x).back()}, view(scale), view(shift), epsilon));
  });
}

/// Sums over windows, of zeros beyond the image.
inline at::Tensor window_sums(const at::Tensor &image, torch_window window) {
  return at::avg_pool2d(
      padded(image, window.padding, 0), {window.rows, window.columns}, {window.stride, window.stride}, {0, 0}, false,
      true, 1);
}

inline int pool(
    const torch_context *context, const torch_tensor *x, int32_t pooling, torch_window window,
    torch_storage **result) {
  return guarded(context, [&] {
    auto from = image(view(x));
    if (pooling == torch_greatest) {
      // The library's own padding reaches over half a window at most, and is the same on both sides.
      auto bordered = padded(from, window.padding, -std::numeric_limits<float>::infinity());
      *result = stored(channels_last(
          at::max_pool2d(bordered, {window.rows, window.columns}, {window.stride, window.stride})));
      return;
    }
    auto sums = window_sums(from.to(at::kFloat), window);
    if (pooling == torch_mean_counting_padding) {
      sums.div_(static_cast<double>(window.rows * window.columns));
    } else {
      sums.div_(window_sums(at::ones({1, 1, from.size(2), from.size(3)}, sums.options()), window));
    }
    *result = stored(channels_last(sums.to(from.scalar_type())));
  });
}

} // namespace shim
