// Threads for the loops of the engine, and their waiting.
#pragma once

#include <stddef.h>

/// Runs body(argument) in a thread that nobody joins, with a stack of 1 MB, known to the system as `name` (at most 15 letters).
/// Returns 0, or the error's number where the system has no thread to give: then the body is never called.
int kernels_start_thread(const char *name, void (*body)(void *argument), void *argument);

/// Tells the core that this thread only waits for a moment.
static inline void kernels_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}
