// libFuzzer's entry point for programs that have their own main (clang's FuzzerInterface documentation).
#pragma once

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*body)(const uint8_t *bytes, size_t count));
