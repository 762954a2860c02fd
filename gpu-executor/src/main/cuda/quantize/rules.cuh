// From the range of a group to its scale. Every operation is the one of the CPU (org.sparkao.quant.algorithm: AffineScale,
// MicroscalingScale, NvScale, DeepSeekScale, TorchaoScale and the rules of org.sparkao.quant.torchao), in the same order
// and with the same roundings: fp32, then to the type of the weight. No contraction: each step is an intrinsic.
#pragma once

#include "reduce.cuh"
#include "weights.cuh"

namespace quantize {

using reduce::max_nan;
using reduce::min_nan;

// value / divisor up to a relative error of 2^-45 before its last rounding; exact where the quotient is an fp32 number.
__device__ __forceinline__ float divide_once(float value, float divisor, float reciprocal) {
  float quotient = __fmul_rn(value, reciprocal);
  return __fmaf_rn(__fmaf_rn(-quotient, divisor, value), reciprocal, quotient);
}

// value / divisor, correctly rounded: the first residual makes the quotient faithful, the second exact.
__device__ __forceinline__ float divide_exactly(float value, float divisor, float reciprocal) {
  float quotient = divide_once(value, divisor, reciprocal);
  return __fmaf_rn(__fmaf_rn(-quotient, divisor, value), reciprocal, quotient);
}

// 2^exponent for -127 <= exponent <= 127.
__device__ __forceinline__ float power_of_two(int exponent) {
  return numbers::e8m0_to_float(static_cast<uint8_t>(exponent + 127));
}

template <typename T>
__device__ __forceinline__ Scale affine_symmetric(const Scheme& scheme, float amax) {
  float half_width = __fmul_rn(__fsub_rn(scheme.largest(), scheme.smallest()), 0.5f);
  float scale = T::round(__fdiv_rn(amax, half_width));
  scale = scale == 0.0f ? T::kEpsilon : scale;
  return {scale, scale, 0.0f, 0};
}

// The division for the zero point uses the scale before a zero is replaced; 0 / 0 gives zero point 0.
template <typename T>
__device__ __forceinline__ Scale affine_asymmetric(const Scheme& scheme, const Range& range) {
  float smallest = scheme.smallest(), largest = scheme.largest();
  float scale = T::round(__fdiv_rn(T::round(__fsub_rn(range.high, range.low)), __fsub_rn(largest, smallest)));
  float exact = T::round(__fsub_rn(smallest, T::round(__fdiv_rn(range.low, scale))));
  float clamped = max_nan(smallest, min_nan(largest, exact));
  float zero_point = numbers::is_nan(clamped) ? 0.0f : rintf(clamped);
  scale = scale == 0.0f ? T::kEpsilon : scale;
  return {scale, scale, zero_point, 0};
}

// amax rounded to a power of two by adding a quarter of the mantissa's range and dropping the mantissa, the exponent
// lowered by that of the largest code. An amax whose rounding overflows gives byte 127 and codes of zero.
template <typename T>
__device__ __forceinline__ Scale microscaling(const Scheme& scheme, float amax) {
  constexpr bool kHalf = T::kSmallestNormal == 0x1p-14f;
  if (amax >= (kHalf ? 57344.0f : 0x1.cp127f)) return {__int_as_float(0x7F800000), 1.0f, 0.0f, 127};
  float normal = amax;
  if (kHalf && amax < T::kSmallestNormal) {
    bool up = __fadd_rn(amax, 0.25f * T::kSmallestNormal) >= T::kSmallestNormal;
    normal = up ? T::kSmallestNormal : 0.0f;
  }
  int exponent = static_cast<int>((__float_as_uint(normal) + (1u << 21)) >> 23) - 127;
  int code = max(0, min(254, exponent - (scheme.bits == 8 ? 8 : 2) + 127));
  float scale = T::round(power_of_two(code - 127));
  if (scale == 0.0f) return {1.0f, 1.0f, 0.0f, 127};
  return {scale, scale, 0.0f, code};
}

// `factor` is the divisor of the tensor.
template <typename T>
__device__ __forceinline__ Scale nv(float amax, float factor) {
  // One correction does where the quotient is rounded to 16 bits and its residual does not underflow: codes.cuh.
  const bool shortly = T::kBytes == 2 && amax >= 0x1p-64f;
  const float sixth = T::round(shortly ? divide_once(amax, 6.0f, 1.0f / 6.0f) : __fdiv_rn(amax, 6.0f));
  int code = numbers::float_to_e4m3(__fmul_rn(sixth, factor));
  if (code == 0) code = numbers::float_to_e4m3(0.125f);
  float scale = __fdiv_rn(numbers::e4m3_to_float(static_cast<uint8_t>(code)), factor);
  return {scale, scale, 0.0f, code};
}

__device__ __forceinline__ Scale deep_seek(float amax) {
  float factor = amax == 0.0f ? 1.0f : fminf(__fdiv_rn(448.0f, amax), kLargestFloat);
  return {factor, __fdiv_rn(1.0f, factor), 0.0f, 0};
}

// A factor of zero would lose codes: TorchaoScale takes the smallest number.
__device__ __forceinline__ Scale ao_scale(float operand, float dequantize, float zero_point, int code) {
  return {operand == 0.0f ? __int_as_float(1) : operand, dequantize, zero_point, code};
}

template <typename T>
__device__ __forceinline__ Scale ao_affine(const Scheme& scheme, const Range& range) {
  float smallest = scheme.smallest(), largest = scheme.largest();
  float steps = __fsub_rn(largest, smallest);
  bool int8 = scheme.rule == kAoInt8;
  float floor = int8 ? T::round(0x1p-23f) : T::kSmallestNormal;
  float wanted = scheme.rule == kAoAsymmetric
                     ? T::round(__fdiv_rn(T::round(__fsub_rn(range.high, range.low)), steps))
                     : T::round(__fdiv_rn(range.amax(), __fmul_rn(steps, 0.5f)));
  float scale = max_nan(wanted, floor);
  float zero_point = 0.0f;
  if (scheme.rule == kAoAsymmetric) {
    float zero = __fsub_rn(smallest, rintf(T::round(__fdiv_rn(range.low, scale))));
    zero_point = numbers::is_nan(zero) ? 0.0f : fmaxf(smallest, fminf(largest, zero));
  }
  float reciprocal = __fdiv_rn(1.0f, scale);
  return ao_scale(int8 ? reciprocal : T::round(reciprocal), scale, zero_point, 0);
}

__device__ __forceinline__ Scale ao_microscaling(const Scheme& scheme, float amax) {
  float inverse = static_cast<float>(scheme.format == kE4m3 ? 1.0 / 448.0 : 1.0 / 6.0);
  int code = numbers::float_to_e8m0_up(__fmul_rn(amax, inverse));
  return ao_scale(power_of_two(127 - code), power_of_two(code - 127), 0.0f, code);
}

// `factor` is the scale of the tensor, which multiplies.
__device__ __forceinline__ Scale ao_nv(float amax, float factor) {
  float wanted = __fdiv_rn(__fdiv_rn(amax, 6.0f), factor);
  int code = numbers::float_to_e4m3(max_nan(0x1p-6f, wanted));
  float scale = numbers::e4m3_to_float(static_cast<uint8_t>(code));
  return ao_scale(__fdiv_rn(__fdiv_rn(1.0f, factor), scale), __fmul_rn(factor, scale), 0.0f, code);
}

// The scale of a group whose finite weights span `range`.
template <typename T>
__device__ __forceinline__ Scale choose(const Scheme& scheme, const Range& range, float factor) {
  float amax = range.amax();
  switch (scheme.rule) {
    case kCtSymmetric: return affine_symmetric<T>(scheme, amax);
    case kCtAsymmetric: return affine_asymmetric<T>(scheme, range);
    case kCtMicroscaling: return microscaling<T>(scheme, amax);
    case kCtNv: return nv<T>(amax, factor);
    case kDeepSeek: return deep_seek(amax);
    case kAoFloat8: {
      float scale = T::round(__fdiv_rn(amax, 448.0f));
      return ao_scale(scale, scale, 0.0f, 0);
    }
    case kAoMicroscaling: return ao_microscaling(scheme, amax);
    case kAoNv: return ao_nv(amax, factor);
    default: return ao_affine<T>(scheme, range);
  }
}

// What NVFP4 knows of a tensor of magnitude `amax`: what groups are computed with, and what is stored.
template <typename T>
__device__ __forceinline__ float2 tensor_factor(const Scheme& scheme, float amax) {
  if (scheme.rule == kAoNv) {
    float scale = amax == 0.0f ? 1.0f : __fdiv_rn(amax, 2688.0f);
    return {scale, __fdiv_rn(1.0f, scale)};
  }
  if (scheme.rule != kCtNv) return {1.0f, 1.0f};
  float reciprocal = T::round(__fdiv_rn(1.0f, fmaxf(amax, T::kSmallestNormal)));
  float factor = T::round(__fmul_rn(reciprocal, 2688.0f));
  factor = numbers::is_finite(factor) ? factor : 1.0f;
  return {factor, factor};
}

// Writes what a loader needs of group `index`, and what the statistics need: a sum of Record.
template <typename T>
__device__ __forceinline__ void write_scale(const Matrix& matrix, const Scheme& scheme, long long index,
                                            const Scale& scale, int flags) {
  if (scheme.storage & kByteScale) {
    matrix.scales[index] = static_cast<unsigned char>(scale.code);
  } else if (scheme.storage & kFloatScale) {
    Fp32::put(matrix.scales, index, scale.dequantize);
  } else {
    T::put(matrix.scales, index, scale.dequantize);
  }
  if (matrix.zero_points != nullptr) matrix.zero_points[index] = static_cast<signed char>(scale.zero_point);
  if (matrix.records != nullptr) {
    matrix.records[index] = make_float4(scale.operand, scale.dequantize, scale.zero_point, __int_as_float(flags));
  }
}

}  // namespace quantize
