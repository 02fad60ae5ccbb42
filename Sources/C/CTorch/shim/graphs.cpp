// The table of ../torch_graph_functions.h: CUDA graphs. Compiled by ops/build-torch where CUDA's headers are.
#include "../torch_graph_functions.h"
#include "results.hpp"

#include <ATen/cuda/CUDAGraph.h>
#include <torch/headeronly/version.h>

struct torch_graph {
  at::cuda::CUDAGraph graph;
};

namespace {

int begin(const torch_context *context, torch_graph **graph) {
  return shim::guarded(context, [&] {
    auto made = std::make_unique<torch_graph>();
    // Other threads may go on with CUDA meanwhile, with pinned memory for one.
    made->graph.capture_begin({0, 0}, cudaStreamCaptureModeThreadLocal);
    *graph = made.release();
  });
}

int end(const torch_context *context, torch_graph *graph) {
  return shim::guarded(context, [&] { graph->graph.capture_end(); });
}

int replay(const torch_context *context, torch_graph *graph) {
  return shim::guarded(context, [&] { graph->graph.replay(); });
}

void release(torch_graph *graph) {
  try {
    delete graph;
  } catch (...) {
    // A device that is lost frees nothing; whoever computes with it learns that there.
  }
}

} // namespace

extern "C" __attribute__((visibility("default"))) const torch_graph_functions *detdiffusion_torch_graph_functions() {
  static const torch_graph_functions table = {
      .version = TORCH_GRAPH_TABLE_VERSION,
      .size = sizeof(torch_graph_functions),
      .compiled_abi = [] { return static_cast<uint64_t>(TORCH_ABI_VERSION); },
      .message = [] { return shim::last_message().c_str(); },
      .begin = begin,
      .end = end,
      .replay = replay,
      .release = release,
  };
  return &table;
}
