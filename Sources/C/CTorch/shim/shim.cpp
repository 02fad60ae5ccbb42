// The table of ../torch_functions.h, for one version of libtorch. Compiled by ops/build-torch.
#include "devices.hpp"
#include "elementwise.hpp"
#include "layers.hpp"
#include "memory.hpp"
#include "regions.hpp"

#include <torch/csrc/inductor/aoti_torch/c/shim.h>
#include <torch/headeronly/version.h>

extern "C" __attribute__((visibility("default"))) const torch_functions *detdiffusion_torch_functions() {
  static const torch_functions table = {
      .version = TORCH_TABLE_VERSION,
      .size = sizeof(torch_functions),
      .compiled_abi = [] { return static_cast<uint64_t>(TORCH_ABI_VERSION); },
      .running_abi = [] { return static_cast<uint64_t>(aoti_torch_abi_version()); },
      .message = [] { return shim::last_message().c_str(); },
      .begin = shim::begin,
      .gpu_count = shim::gpu_count,
      .describe_gpu = shim::describe_gpu,
      .free_bytes = shim::free_bytes,
      .release_idle = shim::release_idle,
      .synchronize = shim::synchronize,
      .from_floats = shim::from_floats,
      .filled = shim::filled,
      .mapped = shim::mapped,
      .to_floats = shim::to_floats,
      .release = shim::release,
      .overwrite = shim::overwrite,
      .concatenate = shim::concatenate,
      .linear = shim::linear,
      .convolution = shim::convolution,
      .attention = shim::attention,
      .group_normalization = shim::group_normalization,
      .layer_normalization = shim::layer_normalization,
      .pool = shim::pool,
      .regions = shim::regions,
      .activate = shim::activate,
      .gated_gelu = shim::gated_gelu,
      .add = shim::add,
      .add_per_image = shim::add_per_image,
      .concatenate_channels = shim::concatenate_channels,
      .channels = shim::channels,
      .upsample_nearest = shim::upsample_nearest,
      .embedding = shim::embedding,
  };
  return &table;
}
