// Codes of few bits, two weights at a time: what arithmetic the 16-bit types have themselves is a multiplication, an addition
// and a comparison for two weights in one instruction. Each step has the rounding of the one in fp32 it stands for; where
// that could differ, the step stays in fp32 (codes.cuh).
//
// Whole numbers come from adding T::kWhole, near which the type has no others: ties go to the even one, as in rintf.
// Rounding before or after the clamp is the same, since both keep the order.
#pragma once

#include "rules.cuh"

namespace quantize::pairs {

// Whether the codes of a scheme are found here: those with a division in the type, and bits enough in T::kWhole's numbers.
template <typename T>
__device__ __forceinline__ bool usable(const Scheme& scheme) {
  return scheme.packed() && scheme.quotient() == kDivideInType &&
         (scheme.integer() ? scheme.bits <= T::kWholeBits : scheme.format == kE2m1);
}

// T::kWhole plus the codes of two positions, which may be out of range.
template <typename T>
__device__ __forceinline__ uint32_t rounded(uint32_t positions) {
  return T::multiply_add2(positions, T::twice(1.0f), T::twice(T::kWhole));
}

template <typename T>
__device__ __forceinline__ uint32_t clamped(uint32_t rounded, const Scheme& scheme) {
  const uint32_t smallest = T::twice(T::kWhole + scheme.smallest()), largest = T::twice(T::kWhole + scheme.largest());
  return T::smaller(T::larger(rounded, smallest), largest);
}

// T::kWhole plus the e2m1 codes of the magnitudes of two positions: e2m1_above_whole.
template <typename T>
__device__ __forceinline__ uint32_t e2m1_codes(uint32_t positions) {
  const uint32_t magnitudes = positions & 0x7FFF7FFFu;
  const uint32_t fine = T::multiply_add2(magnitudes, T::twice(2.0f), T::twice(T::kWhole));
  const uint32_t middle = T::multiply_add2(magnitudes, T::twice(1.0f), T::twice(T::kWhole + 2.0f));
  const uint32_t coarse = T::multiply_add2(magnitudes, T::twice(0.5f), T::twice(T::kWhole + 4.0f));
  return T::smaller(T::smaller(fine, middle), T::smaller(coarse, T::twice(T::kWhole + 7.0f)));
}

// Eight codes, one a byte; bits above those of a code mean nothing.
template <typename T, bool kE2m1Codes>
__device__ __forceinline__ uint2 codes_of(const uint32_t (&positions)[4], const Scheme& scheme) {
  uint32_t words[2];
#pragma unroll
  for (int i = 0; i < 2; i++) {
    const uint32_t first = positions[2 * i], second = positions[2 * i + 1];
    if constexpr (kE2m1Codes) {
      words[i] = __byte_perm(e2m1_codes<T>(first), e2m1_codes<T>(second), 0x6420) |
                 (__byte_perm(first, second, 0x7531) >> 4 & 0x08080808u);
    } else {
      words[i] = __byte_perm(clamped<T>(rounded<T>(first), scheme), clamped<T>(rounded<T>(second), scheme), 0x6420);
    }
  }
  return make_uint2(words[0], words[1]);
}

}  // namespace quantize::pairs
