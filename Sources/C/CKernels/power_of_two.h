// Powers of two by whole numbers, on which the kernels' exponential functions rest.
#pragma once

#include "kernel_target.h"

#include <stdint.h>
#include <string.h>

/// Adding and subtracting 1.5 * 2^23 rounds to the nearest whole number.
#define ROUNDING 12582912.0f

/// p * 2^n, where n is the whole number that `shifted`, n + ROUNDING, holds in its last bits; -126 <= n <= 127.
INLINE float times_power_of_two(float p, float shifted) {
  uint32_t bits;
  memcpy(&bits, &shifted, 4);
  bits = (bits + 127u) << 23;
  float power;
  memcpy(&power, &bits, 4);
  return p * power;
}
