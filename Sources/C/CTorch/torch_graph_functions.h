// CUDA graphs: what a GPU was told once, and is told again with one call. A second, optional library beside the shim: it needs
// CUDA's headers to be compiled, and nothing else does.
#pragma once

#include "torch_functions.h"

/// Grows with every change of this file that an older library does not understand.
#define TORCH_GRAPH_TABLE_VERSION 1

/// A captured sequence of kernels, with the memory of all that it computes in between.
typedef struct torch_graph torch_graph;

/// All functions, called from the same thread as those of `torch_functions`.
typedef struct {
  /// TORCH_GRAPH_TABLE_VERSION of the library, and the table's size in bytes.
  int32_t version, size;
  /// TORCH_ABI_VERSION of the headers that it was compiled with.
  uint64_t (*compiled_abi)(void);
  /// Why the last call of this thread failed.
  const char *(*message)(void);

  /// From here on the device's functions are written down and not carried out. None of them may wait for the device, or copy to or
  /// from the host.
  int (*begin)(const torch_context *context, torch_graph **graph);
  /// Ends that; nothing has been computed yet.
  int (*end)(const torch_context *context, torch_graph *graph);
  /// Computes it all, from what now stands in the memory that was read, into the same results.
  int (*replay)(const torch_context *context, torch_graph *graph);
  /// Frees the graph and its memory, also one whose capture failed.
  void (*release)(torch_graph *graph);
} torch_graph_functions;

/// The library's one symbol, `detdiffusion_torch_graph_functions`.
typedef const torch_graph_functions *(*torch_graph_functions_symbol)(void);
