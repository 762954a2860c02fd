// What decides the e2m1 code of |x| / s, divided in fp32 and rounded to nearest, ties to even, without dividing: seven
// numbers of the type of x. Host and device.
#pragma once

#include <cmath>

#include "numbers.cuh"

namespace quantize::nvfp4 {

constexpr int kBounds = 7;
constexpr int kSmallestCode = 0x20;  // e4m3 of 1/8, in place of a scale of zero

// Half-way between codes i and i + 1 as numbers: the even one is taken there.
NUMBERS_FN float half_way(int i) { return i < 4 ? 0.25f + 0.5f * static_cast<float>(i) : i == 4 ? 2.5f : i == 5 ? 3.5f : 5.0f; }

// Half the distance of neighbouring fp32 numbers at half_way(i).
NUMBERS_FN float half_step(int i) {
  return i == 0 ? 0x1p-26f : i == 1 ? 0x1p-25f : i < 4 ? 0x1p-24f : i < 6 ? 0x1p-23f : 0x1p-22f;
}

// scale * (half_way(i) - half_step(i)), rounded up. The product, of 24 and 25 bits, is exact in fp64.
NUMBERS_FN float limit_itself(float scale, int i) {
#ifdef __CUDA_ARCH__
  return __fmaf_ru(scale, half_way(i), -__fmul_rn(scale, half_step(i)));
#else
  const double exact = static_cast<double>(scale) * (static_cast<double>(half_way(i)) - half_step(i));
  const float near = static_cast<float>(exact);
  return near < exact ? std::nextafter(near, HUGE_VALF) : near;
#endif
}

// scale * (half_way(i) + half_step(i)), rounded down.
NUMBERS_FN float limit_below(float scale, int i) {
#ifdef __CUDA_ARCH__
  return __fmaf_rd(scale, half_way(i), __fmul_rn(scale, half_step(i)));
#else
  const double exact = static_cast<double>(scale) * (static_cast<double>(half_way(i)) + half_step(i));
  const float near = static_cast<float>(exact);
  return near > exact ? std::nextafter(near, 0.0f) : near;
#endif
}

// The bits of the largest number of bf16 or fp16 that is at most `value`, which is positive.
template <bool kBf16>
NUMBERS_FN uint32_t bits_at_most(float value) {
  if (kBf16) return numbers::bits_of(value) >> 16;
  const uint32_t bits = numbers::float_to_fp16(value);
  return numbers::fp16_to_float(static_cast<uint16_t>(bits)) > value ? bits - 1 : bits;
}

// The bits of the least number of the type (bf16, fp16; perhaps infinity) whose code under `scale`, 2^-64 to 2^16, is more than
// i. The quotient in fp32 is at least half_way(i) from half a step below it on, and above it beyond half a step: half_way is an
// even number of fp32, to which both of these middles are rounded.
template <bool kBf16>
NUMBERS_FN uint32_t bound(float scale, int i) {
  const bool itself = i % 2 == 1;  // the even code is the upper one
  const float limit = itself ? limit_itself(scale, i) : limit_below(scale, i);
  const uint32_t below = bits_at_most<kBf16>(limit);
  const float value = kBf16 ? numbers::bf16_to_float(static_cast<uint16_t>(below)) : numbers::fp16_to_float(static_cast<uint16_t>(below));
  return itself && value == limit ? below : below + 1;
}

}  // namespace quantize::nvfp4
