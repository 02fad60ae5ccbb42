// What the engine asks of libtorch: one table of C functions, which the shim in shim/ implements.
//
// The shim is compiled apart (ops/build-torch), once for each version of torch, and opened at run time: neither this package nor
// its executables need libtorch to be built or started. C++ and its exceptions stay behind this file.
#pragma once

#include <stdint.h>

/// Grows with every change of this file that an older shim does not understand. A function that is added at the end of the table
/// changes `size` alone.
#define TORCH_TABLE_VERSION 1

/// The most dimensions of a tensor that crosses.
#define TORCH_MOST_DIMENSIONS 6

/// What a call returns. After all but the first, `message` says why.
enum {
  torch_done = 0,
  /// This call failed; others may not.
  torch_failed = 1,
  /// The device has too little memory for this call.
  torch_out_of_memory = 2,
  /// The device computes nothing any more in this process.
  torch_lost = 3,
};

/// How a device keeps numbers.
enum { torch_float32 = 0, torch_bfloat16 = 1, torch_float16 = 2 };

/// Memory on a device, dense and row-major as the engine sees it.
typedef struct torch_storage torch_storage;

/// Some of a storage's numbers; a storage of NULL is a tensor that is not there.
typedef struct {
  torch_storage *storage;
  /// Where it begins, in numbers.
  int64_t offset;
  int32_t rank;
  int64_t shape[TORCH_MOST_DIMENSIONS];
} torch_tensor;

/// Where and how a call computes.
typedef struct {
  /// -1 is this host's processor, 0 and up are GPUs in CUDA's order.
  int32_t device;
  /// One of the number formats above.
  int32_t format;
  /// None yet: 0. Recording for gradients comes here, since that is a matter of the calling thread.
  int32_t flags;
} torch_context;

/// Nonlinearities; `none` leaves numbers as they are.
enum {
  torch_none = 0,
  torch_silu = 1,
  torch_gelu = 2,
  torch_quick_gelu = 3,
  torch_relu = 4,
  torch_leaky_relu = 5,
  torch_mish = 6,
  torch_sigmoid = 7,
};

typedef struct {
  int32_t kind;
  /// Of the leaky one.
  float slope;
} torch_activation;

/// Zeros around an image.
typedef struct { int64_t top, left, bottom, right; } torch_padding;

/// A window that goes over an image.
typedef struct { int64_t rows, columns, stride; torch_padding padding; } torch_window;

/// How boxes are sampled, as `RegionSampling` says.
typedef struct {
  int64_t rows, columns, points;
  float scale;
  int32_t is_aligned;
} torch_region_sampling;

enum { torch_greatest = 0, torch_mean = 1, torch_mean_counting_padding = 2 };

/// What a GPU is.
typedef struct {
  char name[128];
  int64_t bytes;
  int32_t major, minor;
} torch_gpu;

/// All functions. They are called from one thread of the engine's own: libtorch keeps its grad mode, its stream and its team of
/// OpenMP threads for each thread that calls it. Shapes were checked by the caller; results are new storages, which the caller
/// releases, and are written only where a call returns `torch_done`.
typedef struct {
  /// TORCH_TABLE_VERSION of the shim, and the table's size in bytes.
  int32_t version, size;

  // The library. These three may be called before anything is known to fit.
  /// TORCH_ABI_VERSION of the headers that the shim was compiled with.
  uint64_t (*compiled_abi)(void);
  /// The same of the library that is open.
  uint64_t (*running_abi)(void);
  /// Why the last call of this thread failed, one line or more; valid until the next call.
  const char *(*message)(void);

  // Devices.
  /// Begins with a device: its stream, exact float32 products, and for the processor the number of threads (0 leaves it).
  int (*begin)(const torch_context *context, int32_t threads);
  /// How many GPUs CUDA shows.
  int (*gpu_count)(int32_t *count);
  int (*describe_gpu)(int32_t device, torch_gpu *gpu);
  /// Bytes that the device has left for this process, those that the library holds ready included; GPUs only.
  int (*free_bytes)(const torch_context *context, int64_t *bytes);
  /// Returns what the library holds ready to the system.
  int (*release_idle)(const torch_context *context);
  /// Waits until everything that was asked for is computed.
  int (*synchronize)(const torch_context *context);

  // Memory.
  int (*from_floats)(const torch_context *context, const float *floats, int64_t count, torch_storage **result);
  int (*filled)(const torch_context *context, float value, int64_t count, torch_storage **result);
  /// Uses the floats where they lie if it can, and calls `release(owner)` once it needs them no more: now, or later, and also where
  /// it fails.
  int (*mapped)(
      const torch_context *context, const float *floats, int64_t count, void (*release)(void *), void *owner,
      torch_storage **result);
  int (*to_floats)(const torch_context *context, const torch_tensor *x, float *floats);
  void (*release)(torch_storage *storage);
  /// Overwrites all of `to`: only for storages that replayed graphs read.
  int (*overwrite)(const torch_context *context, const torch_tensor *from, torch_storage *to);
  int (*concatenate)(const torch_context *context, const torch_tensor *parts, int32_t count, torch_storage **result);

  // Products. Weights are `[out, in]` and `[out, in, height, width]`.
  int (*linear)(
      const torch_context *context, const torch_tensor *x, const torch_tensor *weight, const torch_tensor *bias,
      const torch_tensor *shortcut, torch_storage **result);
  int (*convolution)(
      const torch_context *context, const torch_tensor *x, const torch_tensor *weight, const torch_tensor *bias,
      int64_t stride, torch_padding padding, const torch_tensor *shortcut, torch_activation activation,
      torch_storage **result);
  int (*attention)(
      const torch_context *context, const torch_tensor *queries, const torch_tensor *keys, const torch_tensor *values,
      int64_t heads, int32_t is_causal, torch_storage **result);

  // Normalization.
  int (*group_normalization)(
      const torch_context *context, const torch_tensor *x, int64_t groups, const torch_tensor *scale,
      const torch_tensor *shift, float epsilon, torch_activation activation, torch_storage **result);
  int (*layer_normalization)(
      const torch_context *context, const torch_tensor *x, const torch_tensor *scale, const torch_tensor *shift,
      float epsilon, torch_storage **result);

  // Windows.
  int (*pool)(
      const torch_context *context, const torch_tensor *x, int32_t pooling, torch_window window,
      torch_storage **result);
  /// Features `[1, rows, columns, channels]` within boxes `[n, 4]`.
  int (*regions)(
      const torch_context *context, const torch_tensor *x, const torch_tensor *boxes, torch_region_sampling sampling,
      torch_storage **result);

  // One number at a time.
  int (*activate)(
      const torch_context *context, const torch_tensor *x, torch_activation activation, torch_storage **result);
  int (*gated_gelu)(const torch_context *context, const torch_tensor *x, torch_storage **result);
  int (*add)(
      const torch_context *context, const torch_tensor *x, const torch_tensor *y, torch_storage **result);
  int (*add_per_image)(
      const torch_context *context, const torch_tensor *x, const torch_tensor *rows, torch_storage **result);

  // Moves.
  int (*concatenate_channels)(
      const torch_context *context, const torch_tensor *x, const torch_tensor *y, torch_storage **result);
  int (*channels)(
      const torch_context *context, const torch_tensor *x, int64_t first, int64_t count, torch_storage **result);
  int (*upsample_nearest)(
      const torch_context *context, const torch_tensor *x, int64_t rows, int64_t columns, torch_storage **result);
  int (*embedding)(
      const torch_context *context, const torch_tensor *table, const int64_t *identifiers, int64_t count,
      torch_storage **result);
} torch_functions;

/// The shim's one symbol, `detdiffusion_torch_functions`.
typedef const torch_functions *(*torch_functions_symbol)(void);
