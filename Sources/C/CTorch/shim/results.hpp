// How a call ends: C++'s exceptions become numbers and a text.
#pragma once

#include "../torch_functions.h"

#include <ATen/DeviceAccelerator.h>
#include <ATen/core/Tensor.h>
#include <c10/core/InferenceMode.h>
#include <c10/util/Exception.h>
#include <c10/util/accumulate.h>

#include <new>
#include <string>

/// Memory on a device. A weight of a convolution is kept in the order in which kernels read it once it has been asked for.
struct torch_storage {
  /// One dimension, contiguous; undefined while `turned` holds the numbers.
  at::Tensor flat;
  /// `[out, in, height, width]` with the inputs next to each other (channels last).
  at::Tensor turned;
};

namespace shim {

inline std::string &last_message() {
  thread_local std::string message;
  return message;
}

inline int failed(int code, const char *what) noexcept {
  try {
    // What c10 adds after its first line is where it was compiled, not what happened.
    last_message() = what;
  } catch (...) {
    // The text did not fit into memory; the number says enough.
  }
  return code;
}

/// Libraries beneath libtorch say in words alone that they have no memory.
inline bool is_about_memory(const std::string &what) {
  for (const char *words :
       {"not enough memory", "can't allocate memory", "out of memory", "ALLOC_FAILED", "NOT_ENOUGH_WORKSPACE"})
    if (what.find(words) != std::string::npos) return true;
  return false;
}

/// Runs `body`, recording nothing for gradients, on the context's device.
template <typename Body> int guarded(const torch_context *context, Body &&body) noexcept {
  try {
    c10::InferenceMode without_gradients;
    if (context && context->device >= 0) at::accelerator::setDeviceIndex(static_cast<c10::DeviceIndex>(context->device));
    body();
    return torch_done;
  } catch (const c10::OutOfMemoryError &error) {
    return failed(torch_out_of_memory, error.what_without_backtrace());
  } catch (const c10::AcceleratorError &error) {
    // CUDA's errors stay with the process, except that of its allocator.
    const char *what = error.what_without_backtrace();
    return failed(is_about_memory(what) ? torch_out_of_memory : torch_lost, what);
  } catch (const c10::Error &error) {
    const char *what = error.what_without_backtrace();
    return failed(is_about_memory(what) ? torch_out_of_memory : torch_failed, what);
  } catch (const std::bad_alloc &) {
    return failed(torch_out_of_memory, "the host has no memory left");
  } catch (const std::exception &error) {
    return failed(is_about_memory(error.what()) ? torch_out_of_memory : torch_failed, error.what());
  } catch (...) {
    return failed(torch_failed, "an exception of an unknown kind");
  }
}

inline at::ScalarType scalar_type(const torch_context *context) {
  switch (context->format) {
  case torch_bfloat16: return at::kBFloat16;
  case torch_float16: return at::kHalf;
  default: return at::kFloat;
  }
}

inline at::Device device(const torch_context *context) {
  return context->device < 0 ? at::Device(at::kCPU)
                             : at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(context->device));
}

inline at::TensorOptions options(const torch_context *context) {
  return at::TensorOptions().dtype(scalar_type(context)).device(device(context));
}

/// A storage of these numbers, in their row-major order.
inline torch_storage *stored(const at::Tensor &tensor) {
  return new torch_storage{tensor.contiguous().view({-1}), {}};
}

/// The numbers of a whole storage, in the engine's order.
inline at::Tensor flat(torch_storage *storage) {
  return storage->flat.defined() ? storage->flat : storage->turned.contiguous().view({-1});
}

inline bool is_there(const torch_tensor *tensor) { return tensor && tensor->storage; }

inline at::IntArrayRef shape(const torch_tensor *tensor) {
  return at::IntArrayRef(tensor->shape, static_cast<size_t>(tensor->rank));
}

/// A view of a tensor in its own shape.
inline at::Tensor view(const torch_tensor *tensor) {
  auto count = c10::multiply_integers(shape(tensor));
  return flat(tensor->storage).narrow(0, tensor->offset, count).view(shape(tensor));
}

inline at::Tensor view(const torch_tensor &tensor) { return view(&tensor); }

/// The same for one that need not be there.
inline std::optional<at::Tensor> optional_view(const torch_tensor *tensor) {
  return is_there(tensor) ? std::optional<at::Tensor>(view(tensor)) : std::nullopt;
}

/// `[batch, rows, columns, channels]` as libtorch names it, `[batch, channels, rows, columns]`, in the same memory: what libtorch
/// calls channels last.
inline at::Tensor image(const at::Tensor &tensor) { return tensor.permute({0, 3, 1, 2}); }

/// The way back.
inline at::Tensor channels_last(const at::Tensor &image) { return image.permute({0, 2, 3, 1}); }

} // namespace shim
