// What devices there are, how they are set up, and what memory they have left.
#pragma once

#include "results.hpp"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <cstring>
#include <dlfcn.h>

namespace shim {

inline int begin(const torch_context *context, int32_t threads) {
  return guarded(context, [&] {
    if (threads > 0) at::set_num_threads(threads);
    auto &global = at::globalContext();
    // "float32" means float32: TF32 keeps 10 bits of a mantissa.
    global.setAllowTF32CuDNN(false);
    global.setAllowTF32CuBLAS(false);
    if (context->device < 0) return;
    global.lazyInitDevice(at::kCUDA);
    // A job's images have one size: the fastest algorithm is looked for once.
    global.setBenchmarkCuDNN(true);
    // All work goes to a stream of its own, because the default one cannot be captured into a graph.
    c10::impl::VirtualGuardImpl guard(at::kCUDA);
    guard.exchangeStream(guard.getStreamFromGlobalPool(device(context)));
  });
}

inline int gpu_count(int32_t *count) {
  return guarded(nullptr, [&] { *count = at::accelerator::deviceCount(); });
}

/// CUDA's driver tells what a GPU is without any header of CUDA.
struct driver {
  using function = int (*)();
  void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);

  template <typename... Arguments> void call(const char *name, Arguments... arguments) const {
    auto *symbol = library ? dlsym(library, name) : nullptr;
    TORCH_CHECK(symbol, "CUDA's driver has no ", name);
    int code = reinterpret_cast<int (*)(Arguments...)>(symbol)(arguments...);
    TORCH_CHECK(code == 0, name, " gave error ", code);
  }
};

inline int describe_gpu(int32_t index, torch_gpu *gpu) {
  return guarded(nullptr, [&] {
    static const driver cuda;
    int device = 0;
    size_t bytes = 0;
    std::memset(gpu, 0, sizeof *gpu);
    cuda.call("cuInit", 0u);
    cuda.call("cuDeviceGet", &device, static_cast<int>(index));
    cuda.call("cuDeviceGetName", gpu->name, static_cast<int>(sizeof gpu->name - 1), device);
    cuda.call("cuDeviceTotalMem_v2", &bytes, device);
    gpu->bytes = static_cast<int64_t>(bytes);
    // CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR.
    cuda.call("cuDeviceGetAttribute", &gpu->major, 75, device);
    cuda.call("cuDeviceGetAttribute", &gpu->minor, 76, device);
  });
}

inline int free_bytes(const torch_context *context, int64_t *bytes) {
  return guarded(context, [&] {
    TORCH_CHECK(context->device >= 0, "only a GPU has memory of its own");
    auto *allocator = c10::getDeviceAllocator(at::kCUDA);
    auto index = static_cast<c10::DeviceIndex>(context->device);
    size_t free = allocator->getMemoryInfo(index).first;
    // Reserved from the driver and not handed out.
    auto statistics = allocator->getDeviceStats(index);
    constexpr auto all = static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE);
    int64_t idle = statistics.reserved_bytes[all].current - statistics.allocated_bytes[all].current;
    *bytes = static_cast<int64_t>(free) + std::max<int64_t>(0, idle);
  });
}

inline int release_idle(const torch_context *context) {
  return guarded(context, [&] {
    if (context->device >= 0) at::accelerator::emptyCache();
  });
}

inline int synchronize(const torch_context *context) {
  return guarded(context, [&] {
    if (context->device >= 0) at::accelerator::synchronizeDevice(static_cast<c10::DeviceIndex>(context->device));
  });
}

} // namespace shim
