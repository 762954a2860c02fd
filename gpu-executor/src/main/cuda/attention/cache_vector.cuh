// A lane's vector of the KV cache: one load of 16 (or 8) bytes, and its numbers as pairs of bf16.
#pragma once

#include "numbers.cuh"
#include "reduce.cuh"

namespace attention {

template <int kWords>
struct Vector {
  uint32_t word[kWords];
};

// Zeros where `wanted` is false: nothing is read there. Volatile, so that loads stay where they are written: all of them in
// front of the first use. The data is read once and does not enter L1.
__device__ __forceinline__ Vector<4> load_vector(Vector<4>, const void* from, bool wanted) {
  Vector<4> v;
  asm volatile(
      "{\n"
      ".reg .pred p;\n"
      "setp.ne.b32 p, %5, 0;\n"
      "mov.b32 %0, 0;\n mov.b32 %1, 0;\n mov.b32 %2, 0;\n mov.b32 %3, 0;\n"
      "@p ld.global.L1::no_allocate.v4.u32 {%0, %1, %2, %3}, [%4];\n"
      "}\n"
      : "=&r"(v.word[0]), "=&r"(v.word[1]), "=&r"(v.word[2]), "=&r"(v.word[3])
      : "l"(from), "r"(static_cast<int>(wanted))
      : "memory");
  return v;
}

__device__ __forceinline__ Vector<2> load_vector(Vector<2>, const void* from, bool wanted) {
  Vector<2> v;
  asm volatile(
      "{\n"
      ".reg .pred p;\n"
      "setp.ne.b32 p, %3, 0;\n"
      "mov.b32 %0, 0;\n mov.b32 %1, 0;\n"
      "@p ld.global.L1::no_allocate.v2.u32 {%0, %1}, [%2];\n"
      "}\n"
      : "=&r"(v.word[0]), "=&r"(v.word[1])
      : "l"(from), "r"(static_cast<int>(wanted))
      : "memory");
  return v;
}

// Two codes in the lower half of `codes` as bf16, exactly: int8 and e4m3fn numbers have at most 8 significant bits.
template <class T>
__device__ __forceinline__ uint32_t codes_to_bf16(uint32_t codes);

template <>
__device__ __forceinline__ uint32_t codes_to_bf16<int8_t>(uint32_t codes) {
  // code + 128 in the last byte of 2^23 is the fp32 number 2^23 + 128 + code.
  const uint32_t biased = codes ^ 0x8080u;
  const float low = __uint_as_float(__byte_perm(biased, 0x4B000000u, 0x7650)) - 8388736.0f;
  const float high = __uint_as_float(__byte_perm(biased, 0x4B000000u, 0x7651)) - 8388736.0f;
  return numbers::floats_to_bf16x2(low, high);
}

template <>
__device__ __forceinline__ uint32_t codes_to_bf16<uint8_t>(uint32_t codes) {
  const uint32_t halves = numbers::e4m3x2_to_fp16x2(static_cast<uint16_t>(codes));
  return numbers::floats_to_bf16x2(numbers::fp16x2_low(halves), numbers::fp16x2_high(halves));
}

// Elements 2 i and 2 i + 1 of a vector.
template <class T, int kWords>
__device__ __forceinline__ uint32_t pair_along(const Vector<kWords>& v, int i) {
  if constexpr (sizeof(T) == 2) {
    return v.word[i];
  } else {
    return codes_to_bf16<T>(v.word[i / 2] >> 16 * (i % 2));
  }
}

// Element e of two vectors.
template <class T, int kWords>
__device__ __forceinline__ uint32_t pair_across(const Vector<kWords>& first, const Vector<kWords>& second, int e) {
  if constexpr (sizeof(T) == 2) {
    return __byte_perm(first.word[e / 2], second.word[e / 2], e % 2 == 0 ? 0x5410 : 0x7632);
  } else {
    const int byte = e % 4;
    return codes_to_bf16<T>(__byte_perm(first.word[e / 4], second.word[e / 4], byte | (byte + 4) << 4));
  }
}

}  // namespace attention
