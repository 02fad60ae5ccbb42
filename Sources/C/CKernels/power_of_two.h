// Powers of two by whole numbers, on which the kernels' exponential functions rest.
#pragma once

#include "kernel_target.h"

#include <stdint.h>
#include <string.h>

/// Adding and subtracting 1.5 * 2^23 rounds to the nearest whole number.
#define ROUNDING 12582912.0f

/// 2^n for -126 <= n <= 127.
INLINE float power_of_two_of_whole(int32_t n) {
  const uint32_t bits = ((uint32_t)n + 127u) << 23;
  float power;
  memcpy(&power, &bits, 4);
  return power;
}

/// p * 2^n, where n is the whole number that `shifted`, n + ROUNDING, holds in its last bits; -126 <= n <= 127.
INLINE float times_power_of_two(float p, float shifted) {
  uint32_t bits;
  memcpy(&bits, &shifted, 4);
  return p * power_of_two_of_whole((int32_t)bits);
}

/// The same for -252 <= n <= 254, in two factors; p is about 1, and subnormal results are rounded once.
INLINE float times_small_power_of_two(float p, float shifted) {
  const float rounding = ROUNDING;
  uint32_t bits, origin;
  memcpy(&bits, &shifted, 4);
  memcpy(&origin, &rounding, 4);
  const int32_t n = (int32_t)(bits - origin), half = n >> 1;
  return p * power_of_two_of_whole(half) * power_of_two_of_whole(n - half);
}
