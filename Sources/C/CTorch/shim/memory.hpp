// Numbers on their way to a device and back.
#pragma once

#include "results.hpp"

#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/full.h>

#include <cstring>
#include <memory>

namespace shim {

/// Floats of the host where they lie.
inline at::Tensor borrowed(const float *floats, int64_t count) {
  return at::from_blob(const_cast<float *>(floats), {count}, at::TensorOptions().dtype(at::kFloat));
}

/// Memory that a GPU copies from and to by itself, twice as fast; libtorch keeps it for the next time.
inline at::Tensor pinned(int64_t count) {
  return at::empty({count}, at::TensorOptions().dtype(at::kFloat).pinned_memory(true));
}

inline int from_floats(const torch_context *context, const float *floats, int64_t count, torch_storage **result) {
  return guarded(context, [&] {
    at::Tensor numbers;
    if (context->device < 0 || count == 0) {
      numbers = at::empty({count}, options(context));
      numbers.copy_(borrowed(floats, count));
    } else {
      at::Tensor staged = pinned(count);
      std::memcpy(staged.mutable_data_ptr<float>(), floats, static_cast<size_t>(count) * sizeof(float));
      // The allocator of pinned memory hands `staged` out again only once the copy is done.
      numbers = staged.to(device(context), at::kFloat, /*non_blocking=*/true).to(scalar_type(context));
    }
    *result = stored(numbers);
  });
}

inline int filled(const torch_context *context, float value, int64_t count, torch_storage **result) {
  return guarded(context, [&] { *result = stored(at::full({count}, value, options(context))); });
}

inline int mapped(
    const torch_context *context, const float *floats, int64_t count, void (*release)(void *), void *owner,
    torch_storage **result) {
  return guarded(context, [&] {
    std::shared_ptr<void> kept(owner, release);
    if (context->device < 0 && context->format == torch_float32) {
      auto tensor = at::from_blob(
          const_cast<float *>(floats), {count}, [kept](void *) {}, at::TensorOptions().dtype(at::kFloat));
      *result = new torch_storage{tensor, {}};
      return;
    }
    auto numbers = at::empty({count}, options(context));
    // Converted where it is quicker: on the device. The copy is not pinned, since it is made once.
    numbers.copy_(context->device < 0 ? borrowed(floats, count) : borrowed(floats, count).to(device(context)));
    *result = stored(numbers);
  });
}

inline int to_floats(const torch_context *context, const torch_tensor *x, float *floats) {
  return guarded(context, [&] {
    at::Tensor numbers = view(x).contiguous().view({-1});
    if (context->device < 0 || numbers.numel() == 0) {
      borrowed(floats, numbers.numel()).copy_(numbers);
      return;
    }
    at::Tensor staged = pinned(numbers.numel());
    staged.copy_(numbers.to(at::kFloat), /*non_blocking=*/true);
    at::accelerator::synchronizeDevice(static_cast<c10::DeviceIndex>(context->device));
    std::memcpy(floats, staged.const_data_ptr<float>(), static_cast<size_t>(numbers.numel()) * sizeof(float));
  });
}

inline void release(torch_storage *storage) {
  try {
    delete storage;
  } catch (...) {
    // A device that is lost frees nothing; whoever computes with it learns that there.
  }
}

inline int overwrite(const torch_context *context, const torch_tensor *from, torch_storage *to) {
  return guarded(context, [&] { to->flat.copy_(view(from).view({-1})); });
}

inline int concatenate(const torch_context *context, const torch_tensor *parts, int32_t count, torch_storage **result) {
  return guarded(context, [&] {
    std::vector<at::Tensor> views;
    for (int32_t index = 0; index < count; ++index) views.push_back(view(parts[index]));
    *result = stored(at::cat(views, 0));
  });
}

} // namespace shim
