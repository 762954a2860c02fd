// Errors of eight codes at once, for regular groups: the same values as dequantized() of statistics.cuh gives one by one.
#pragma once

#include "codes.cuh"

namespace quantize {

// The numbers that eight e2m1 codes stand for, without their signs. Their fp16 forms have a lower byte of zero; the upper one
// is looked up.
__device__ __forceinline__ void e2m1_magnitudes(uint2 codes, float (&values)[8]) {
  const uint32_t words[2] = {codes.x & 0x07070707u, codes.y & 0x07070707u};
#pragma unroll
  for (int i = 0; i < 2; i++) {
    const uint32_t which = __byte_perm(words[i] | words[i] >> 4, 0u, 0x4420);
    const uint32_t upper = __byte_perm(0x3E3C3800u, 0x46444240u, which);
    const uint32_t pairs[2] = {__byte_perm(upper, 0u, 0x1404), __byte_perm(upper, 0u, 0x3424)};
#pragma unroll
    for (int j = 0; j < 2; j++) {
      values[4 * i + 2 * j] = numbers::fp16x2_low(pairs[j]);
      values[4 * i + 2 * j + 1] = numbers::fp16x2_high(pairs[j]);
    }
  }
}

// How many of eight positions `clips`, which few do where codes are floating point.
template <class K>
__device__ __forceinline__ unsigned int clipped_of(const float (&positions)[8], const Scheme& scheme) {
  unsigned int count = 0;
  if constexpr (K::kFormat == kInteger) {
    const float below = __fsub_rn(scheme.smallest(), 0.5f), above = __fadd_rn(scheme.largest(), 0.5f);
#pragma unroll
    for (int i = 0; i < 8; i++) count += positions[i] < below || positions[i] >= above;
  } else {
    constexpr float kReach = K::kFormat == kE4m3 ? 464.0f : 0x1.bffffep2f;
    float reach = 0.0f;
#pragma unroll
    for (int i = 0; i < 8; i++) reach = fmaxf(reach, fabsf(positions[i]));
    if (reach > kReach) {
#pragma unroll
      for (int i = 0; i < 8; i++) count += fabsf(positions[i]) > kReach;
    }
  }
  return count;
}

// Numbers that the codes of eight positions stand for, less the zero point: what is multiplied with the scale. Those of e2m1
// have no sign.
template <class K>
__device__ __forceinline__ void values_of(const float (&positions)[8], const Scheme& scheme, float zero_point,
                                          float (&values)[8]) {
  if constexpr (K::kFormat == kInteger) {
#pragma unroll
    for (int i = 0; i < 8; i++) {
      const float clamped = fmaxf(scheme.smallest(), fminf(scheme.largest(), positions[i]));
      values[i] = __fsub_rn(__fsub_rn(__fadd_rn(clamped, kWholeFloat), kWholeFloat), zero_point);
    }
  } else if constexpr (K::kFormat == kE4m3) {
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const uint32_t pair = numbers::e4m3x2_to_fp16x2(numbers::floats_to_e4m3x2(positions[2 * i], positions[2 * i + 1]));
      values[2 * i] = numbers::fp16x2_low(pair);
      values[2 * i + 1] = numbers::fp16x2_high(pair);
    }
  } else {
    e2m1_magnitudes(codes_of<K>(positions, 0.0f, 0.0f), values);
  }
}

// |weight - dequantized| of an octet of a regular group with a record; adds how many positions clip.
template <typename T, class K>
__device__ __forceinline__ void errors_of(const Octet<T>& octet, const Scheme& scheme, const float4& record,
                                          const float (&weights)[8], float (&errors)[8], unsigned int& clipped) {
  const float reciprocal = __frcp_rn(record.x);
  float products[8];
  if constexpr (K::kInPairs && K::kFormat == kInteger) {
    uint32_t positions[4];
    pair_positions_of<T, K>(octet, scheme, record.x, reciprocal, record.z, positions);
    const uint32_t one = T::twice(1.0f), back = T::twice(-T::kWhole - record.z), factor = T::pair(record.y, record.y);
    uint32_t beyond = 0;
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const uint32_t code = pairs::rounded<T>(positions[i]), inside = pairs::clamped<T>(code, scheme);
      beyond = T::multiply_add2(T::unequal2(code, inside), one, beyond);
      // Minus zero: the product alone, whatever its sign.
      const uint32_t product = T::multiply_add2(T::multiply_add2(inside, one, back), factor, 0x80008000u);
      products[2 * i] = T::low(product);
      products[2 * i + 1] = T::high(product);
    }
    clipped += static_cast<unsigned int>(T::low(beyond) + T::high(beyond));
  } else {
    float positions[8];
    if constexpr (K::kInPairs) {
      uint32_t found[4];
      pair_positions_of<T, K>(octet, scheme, record.x, reciprocal, record.z, found);
#pragma unroll
      for (int i = 0; i < 4; i++) {
        positions[2 * i] = T::low(found[i]);
        positions[2 * i + 1] = T::high(found[i]);
      }
      e2m1_magnitudes(pairs::codes_of<T, true>(found, scheme), products);
    } else {
#pragma unroll
      for (int i = 0; i < 8; i++) positions[i] = weights[i];
      positions_of<T, K>(positions, record.x, reciprocal, record.z);
      values_of<K>(positions, scheme, record.z, products);
    }
    clipped += clipped_of<K>(positions, scheme);
#pragma unroll
    for (int i = 0; i < 8; i++) products[i] = __fmul_rn(products[i], record.y);
    round_all<T>(products);
  }
#pragma unroll
  for (int i = 0; i < 8; i++) {
    const float weight = K::kFormat == kE2m1 ? fabsf(weights[i]) : weights[i];
    errors[i] = fabsf(__fsub_rn(weight, products[i]));
  }
}

}  // namespace quantize
