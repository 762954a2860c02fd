// Conversions between fp32 and the small number formats, one number or a pair at a time, on the host and on the device
// with the same results. Rounding is to nearest, ties to even; a negative number that rounds to zero keeps its sign.
// Subnormal numbers count (never compile with -ftz=true).
//
//   bf16, fp16   too large becomes infinite (IEEE 754); NaN becomes 0x7FFF
//   e4m3fn       saturates at 448, infinities too; NaN becomes 0x7F           (OCP 8-bit Floating Point 1.0)
//   e5m2         saturates at 57344, infinities too; NaN becomes 0x7F         (the same)
//   e2m1         saturates at 6, infinities too; the format has no NaN: NaN becomes 0  (OCP Microscaling 1.0, 5.3)
//   e8m0         2^(code - 127), 255 is NaN                                   (OCP Microscaling 1.0, 5.4.1)
//
// From sm_89 on the fp8 conversions are instructions (cvt.rn.satfinite); elsewhere the arithmetic below, which the bench
// compares with plain definitions for every code and for every kind of boundary.
#pragma once

#include <cstdint>
#include <cstring>

#include <cuda_runtime.h>

#define NUMBERS_FN __host__ __device__ __forceinline__

namespace numbers {

NUMBERS_FN uint32_t bits_of(float value) {
#ifdef __CUDA_ARCH__
  return __float_as_uint(value);
#else
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
#endif
}

NUMBERS_FN float float_of(uint32_t bits) {
#ifdef __CUDA_ARCH__
  return __uint_as_float(bits);
#else
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
#endif
}

// Whether a value is neither NaN nor infinite.
NUMBERS_FN bool is_finite(float value) { return (bits_of(value) & 0x7FFFFFFFu) < 0x7F800000u; }

NUMBERS_FN bool is_nan(float value) { return (bits_of(value) & 0x7FFFFFFFu) > 0x7F800000u; }

// The code of a magnitude in a format of `kMantissa` bits whose smallest normal number is 2^kSmallest. Adding a power of
// two that is large enough for the exponent makes fp32 round where the format ends; the low bits of the sum then count
// steps of that exponent, on top of the codes of all smaller ones. A carry moves on to the next exponent by itself.
template <int kMantissa, int kSmallest>
NUMBERS_FN uint32_t magnitude_code(float magnitude) {
  constexpr uint32_t smallest = static_cast<uint32_t>(127 + kSmallest) << 23;
  constexpr int dropped = 23 - kMantissa;
  uint32_t exponent = bits_of(magnitude) & 0x7F800000u;
  exponent = exponent < smallest ? smallest : exponent;
  uint32_t base = exponent + (static_cast<uint32_t>(dropped) << 23);
#ifdef __CUDA_ARCH__
  float sum = __fadd_rn(magnitude, float_of(base));
#else
  float sum = magnitude + float_of(base);
#endif
  return bits_of(sum) - base + ((exponent - smallest) >> dropped);
}

// The magnitude that a code without its sign stands for.
template <int kMantissa, int kSmallest>
NUMBERS_FN float code_magnitude(uint32_t code) {
  constexpr uint32_t smallest = static_cast<uint32_t>(127 + kSmallest) << 23;
  constexpr uint32_t one = 1u << kMantissa;
  if (code < one) {  // Subnormal: with a leading one, which is subtracted again.
    return float_of(smallest + (code << (23 - kMantissa))) - float_of(smallest);
  }
  return float_of(smallest + ((code - one) << (23 - kMantissa)));
}

// ---- bf16 ----

NUMBERS_FN float bf16_to_float(uint16_t code) { return float_of(static_cast<uint32_t>(code) << 16); }

NUMBERS_FN uint16_t float_to_bf16(float value) {
#ifdef __CUDA_ARCH__
  uint16_t code;
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(code) : "f"(value));
  return code;
#else
  uint32_t bits = bits_of(value);
  if (is_nan(value)) return 0x7FFF;
  return static_cast<uint16_t>((bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16);
#endif
}

// Two codes in one word, `low` in the lower half.
NUMBERS_FN uint32_t floats_to_bf16x2(float low, float high) {
#ifdef __CUDA_ARCH__
  uint32_t pair;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
  return pair;
#else
  return float_to_bf16(low) | static_cast<uint32_t>(float_to_bf16(high)) << 16;
#endif
}

NUMBERS_FN float bf16x2_low(uint32_t pair) { return float_of(pair << 16); }
NUMBERS_FN float bf16x2_high(uint32_t pair) { return float_of(pair & 0xFFFF0000u); }

NUMBERS_FN float round_bf16(float value) { return bf16_to_float(float_to_bf16(value)); }

// ---- fp16 ----

NUMBERS_FN float fp16_to_float(uint16_t code) {
#ifdef __CUDA_ARCH__
  float value;
  asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(code));
  return value;
#else
  uint32_t sign = static_cast<uint32_t>(code & 0x8000u) << 16;
  uint32_t magnitude = code & 0x7FFFu;
  if (magnitude > 0x7C00u) return float_of(0x7FFFFFFFu);
  if (magnitude == 0x7C00u) return float_of(sign | 0x7F800000u);
  return float_of(sign | bits_of(code_magnitude<10, -14>(magnitude)));
#endif
}

NUMBERS_FN uint16_t float_to_fp16(float value) {
#ifdef __CUDA_ARCH__
  uint16_t code;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(code) : "f"(value));
  return code;
#else
  if (is_nan(value)) return 0x7FFF;
  uint32_t bits = bits_of(value);
  float magnitude = float_of(bits & 0x7FFFFFFFu);
  uint32_t code = magnitude < 65520.0f ? magnitude_code<10, -14>(magnitude) : 0x7C00u;
  return static_cast<uint16_t>(bits >> 31 << 15 | code);
#endif
}

NUMBERS_FN uint32_t floats_to_fp16x2(float low, float high) {
#ifdef __CUDA_ARCH__
  uint32_t pair;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
  return pair;
#else
  return float_to_fp16(low) | static_cast<uint32_t>(float_to_fp16(high)) << 16;
#endif
}

NUMBERS_FN float fp16x2_low(uint32_t pair) { return fp16_to_float(static_cast<uint16_t>(pair)); }
NUMBERS_FN float fp16x2_high(uint32_t pair) { return fp16_to_float(static_cast<uint16_t>(pair >> 16)); }

NUMBERS_FN float round_fp16(float value) { return fp16_to_float(float_to_fp16(value)); }

// ---- e4m3fn ----

// The arithmetic behind float_to_e4m3 where there is no instruction for it.
NUMBERS_FN uint8_t float_to_e4m3_plainly(float value) {
  if (is_nan(value)) return 0x7F;
  uint32_t bits = bits_of(value);
  float magnitude = float_of(bits & 0x7FFFFFFFu);
  uint32_t code = magnitude < 448.0f ? magnitude_code<3, -6>(magnitude) : 0x7Eu;
  return static_cast<uint8_t>(bits >> 31 << 7 | code);
}

// Two codes, `low` in the lower byte.
NUMBERS_FN uint16_t floats_to_e4m3x2(float low, float high) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 890
  uint16_t pair;
  asm("cvt.rn.satfinite.e4m3x2.f32 %0, %1, %2;" : "=h"(pair) : "f"(high), "f"(low));
  return pair;
#else
  return static_cast<uint16_t>(float_to_e4m3_plainly(low) | float_to_e4m3_plainly(high) << 8);
#endif
}

NUMBERS_FN uint8_t float_to_e4m3(float value) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 890
  return static_cast<uint8_t>(floats_to_e4m3x2(value, 0.0f));
#else
  return float_to_e4m3_plainly(value);
#endif
}

// Two fp16 numbers in one word: every e4m3fn number is one.
NUMBERS_FN uint32_t e4m3x2_to_fp16x2(uint16_t pair) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 890
  uint32_t halves;
  asm("cvt.rn.f16x2.e4m3x2 %0, %1;" : "=r"(halves) : "h"(pair));
  return halves;
#else
  // The bits of e4m3fn, shifted to the place of fp16's, are the number times 2^-8.
  uint32_t codes = (pair & 0xFFu) << 8 | static_cast<uint32_t>(pair & 0xFF00u) << 16;
  uint32_t magnitudes = codes >> 1 & 0x3F803F80u;
  uint32_t signs = codes & 0x80008000u;
  uint32_t result = 0;
  for (int i = 0; i < 2; i++) {
    uint16_t half = static_cast<uint16_t>(magnitudes >> 16 * i);
    float number = half == 0x3F80u ? float_of(0x7FFFFFFFu) : fp16_to_float(half) * 256.0f;
    result |= static_cast<uint32_t>(float_to_fp16(number)) << 16 * i;
  }
  return result | signs;
#endif
}

NUMBERS_FN float e4m3_to_float(uint8_t code) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 890
  return fp16x2_low(e4m3x2_to_fp16x2(code));
#else
  uint32_t magnitude = code & 0x7Fu;
  if (magnitude == 0x7Fu) return float_of(0x7FFFFFFFu);
  return float_of(static_cast<uint32_t>(code >> 7) << 31 | bits_of(code_magnitude<3, -6>(magnitude)));
#endif
}

// ---- e5m2 ----

// The arithmetic behind float_to_e5m2 where there is no instruction for it.
NUMBERS_FN uint8_t float_to_e5m2_plainly(float value) {
  if (is_nan(value)) return 0x7F;
  uint32_t bits = bits_of(value);
  float magnitude = float_of(bits & 0x7FFFFFFFu);
  uint32_t code = magnitude < 57344.0f ? magnitude_code<2, -14>(magnitude) : 0x7Bu;
  return static_cast<uint8_t>(bits >> 31 << 7 | code);
}

// Two codes, `low` in the lower byte.
NUMBERS_FN uint16_t floats_to_e5m2x2(float low, float high) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 890
  uint16_t pair;
  asm("cvt.rn.satfinite.e5m2x2.f32 %0, %1, %2;" : "=h"(pair) : "f"(high), "f"(low));
  return pair;
#else
  return static_cast<uint16_t>(float_to_e5m2_plainly(low) | float_to_e5m2_plainly(high) << 8);
#endif
}

NUMBERS_FN uint8_t float_to_e5m2(float value) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 890
  return static_cast<uint8_t>(floats_to_e5m2x2(value, 0.0f));
#else
  return float_to_e5m2_plainly(value);
#endif
}

// e5m2 is the upper half of fp16.
NUMBERS_FN float e5m2_to_float(uint8_t code) { return fp16_to_float(static_cast<uint16_t>(code << 8)); }

// ---- e2m1 ----

NUMBERS_FN uint8_t float_to_e2m1(float value) {
  uint32_t bits = bits_of(value);
  float magnitude = float_of(bits & 0x7FFFFFFFu);
  if (is_nan(value)) return 0;
  uint32_t code = magnitude < 6.0f ? magnitude_code<1, 0>(magnitude) : 7u;
  return static_cast<uint8_t>(bits >> 31 << 3 | code);
}

// Twice the numbers are 0, 1, 2, 3, 4, 6, 8, 12: one digit each.
NUMBERS_FN float e2m1_to_float(uint8_t code) {
  float magnitude = 0.5f * static_cast<float>(0xC8643210u >> 4 * (code & 7u) & 15u);
  return float_of(bits_of(magnitude) | static_cast<uint32_t>(code & 8u) << 28);
}

// ---- e8m0 ----

NUMBERS_FN float e8m0_to_float(uint8_t code) {
  if (code == 255) return float_of(0x7FFFFFFFu);
  return float_of(code == 0 ? 0x00400000u : static_cast<uint32_t>(code) << 23);
}

// The code of the smallest power of two that is not below a magnitude; of fp32's subnormal numbers those above 2^-127
// become 2^-126, the others 2^-127; 255 for what exceeds 2^127, infinities and NaN.
NUMBERS_FN uint8_t float_to_e8m0_up(float magnitude) {
  uint32_t bits = bits_of(magnitude) & 0x7FFFFFFFu;
  if (bits < 0x00800000u) return bits > 0x00400000u ? 1 : 0;
  uint32_t exponent = (bits + 0x7FFFFFu) >> 23;
  return static_cast<uint8_t>(exponent > 255u ? 255u : exponent);
}

}  // namespace numbers
