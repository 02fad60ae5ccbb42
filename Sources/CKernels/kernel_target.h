// How kernels are compiled: for the baseline and for AVX2 with FMA, chosen at run time.
#pragma once

#if defined(__x86_64__) && defined(__linux__)
#define KERNEL __attribute__((target_clones("default", "arch=x86-64-v3")))
#else
#define KERNEL
#endif
#define INLINE static inline __attribute__((always_inline))
