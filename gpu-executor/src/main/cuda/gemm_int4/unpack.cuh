// Eight int4 codes of a word to the registers of an A fragment, exactly. Layout of the word: layout.cuh.
#pragma once

#include <cstdint>

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "mma.cuh"

namespace gemm_int4 {

// 16-bit types: a nibble u in the low mantissa bits of a number whose last place is 1 is that number plus u: 128 + u in bf16
// (0x4300), 1024 + u in fp16 (0x6400). Subtracting 128 + 8 + z (1024 + 8 + z) leaves q - z, which both types hold exactly.
template <Type type>
struct Magic;
template <>
struct Magic<Type::kBf16> { static constexpr uint32_t kPair = 0x43004300u, kSymmetric = 0x43084308u, kBytes = 0x4343u; };
template <>
struct Magic<Type::kFp16> { static constexpr uint32_t kPair = 0x64006400u, kSymmetric = 0x64086408u, kBytes = 0x6464u; };

// What is subtracted in rows g and g + 8 of the fragment.
struct Offsets {
  uint32_t row[2];
};

template <Type type>
__device__ __forceinline__ Offsets symmetric_offsets() {
  return {{Magic<type>::kSymmetric, Magic<type>::kSymmetric}};
}

// From the two bytes z + 8 of the rows: the exponent byte above each, twice.
template <Type type>
__device__ __forceinline__ Offsets offsets(uint32_t zeros) {
  return {{__byte_perm(zeros, Magic<type>::kBytes, 0x4040), __byte_perm(zeros, Magic<type>::kBytes, 0x4141)}};
}

template <Type type>
__device__ __forceinline__ uint32_t subtract_pair(uint32_t a, uint32_t b) {
  uint32_t difference;
  if constexpr (type == Type::kBf16) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
    asm("sub.rn.bf16x2 %0, %1, %2;" : "=r"(difference) : "r"(a), "r"(b));
#else   // a times 1, minus b
    asm("fma.rn.bf16x2 %0, %1, %2, %3;" : "=r"(difference) : "r"(a), "r"(0x3F803F80u), "r"(b ^ 0x80008000u));
#endif
  } else {
    asm("sub.rn.f16x2 %0, %1, %2;" : "=r"(difference) : "r"(a), "r"(b));
  }
  return difference;
}

// (a & mask) | c in one instruction; written as C++ it becomes two, each with its own immediate.
template <uint32_t kMask, uint32_t kOr>
__device__ __forceinline__ uint32_t and_or(uint32_t a) {
  uint32_t result;
  asm("lop3.b32 %0, %1, %2, %3, 0xEA;" : "=r"(result) : "r"(a), "n"(kMask), "n"(kOr));
  return result;
}

template <Type type>
__device__ __forceinline__ void unpack_16(uint32_t word, const Offsets& minus, uint32_t (&a)[4]) {
#pragma unroll
  for (int i = 0; i < 4; i++) {
    a[i] = subtract_pair<type>(and_or<0x000F000Fu, Magic<type>::kPair>(word >> (4 * i)), minus.row[i & 1]);
  }
}

// e4m3: the byte s000mmmm is (-1)^s m 2^-9 for m = 0..15 (m <= 7 subnormal, m >= 8 the first normal binade), so q itself is the
// byte of q 2^-9. A negative code is stored as magnitude - 1; the sign bit, moved to bit 0, adds the missing 1. 2^9 goes into the
// row scale.
constexpr float kE4m3Unit = 512.0f;

__device__ __forceinline__ uint32_t unpack_4(uint32_t word) {
  const uint32_t stored = word & 0x87878787u;
  return stored + (stored >> 7 & 0x01010101u);
}

__device__ __forceinline__ void unpack_8(uint32_t low, uint32_t high, uint32_t (&a)[4]) {
  a[0] = unpack_4(low);
  a[1] = unpack_4(__funnelshift_l(low, low, 4));
  a[2] = unpack_4(high);
  a[3] = unpack_4(__funnelshift_l(high, high, 4));
}

// Two scales in the type of the model to fp32; the first in the low half.
template <Type type>
__device__ __forceinline__ float2 widen(uint32_t pair) {
  if constexpr (type == Type::kFp16) {
    return __half22float2(*reinterpret_cast<const __half2*>(&pair));
  } else {
    return make_float2(__uint_as_float(pair << 16), __uint_as_float(pair & 0xFFFF0000u));
  }
}

}  // namespace gemm_int4
