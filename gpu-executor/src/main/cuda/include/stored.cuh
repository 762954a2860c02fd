// Matrices whose numbers are fp32 or bf16, which a launch says: every thread of it takes the same branch.
#pragma once

#include <cstdint>

#include <cuda_bf16.h>

#include "numbers.cuh"

namespace stored {

struct Numbers {
  void* base;
  bool is_bf16;

  // kCount (1, 4 or 8) numbers from element `at` on, which is a multiple of kCount from an address that is one of 16 bytes.
  template <int kCount>
  __device__ __forceinline__ void load(long long at, float (&to)[kCount]) const {
    if (is_bf16) {
      const __nv_bfloat16* from = static_cast<const __nv_bfloat16*>(base) + at;
      if constexpr (kCount == 1) {
        to[0] = __bfloat162float(*from);
      } else {
        uint32_t words[kCount / 2];
        copy(words, from);
#pragma unroll
        for (int i = 0; i < kCount; i++) to[i] = i % 2 == 0 ? numbers::bf16x2_low(words[i / 2]) : numbers::bf16x2_high(words[i / 2]);
      }
    } else {
      const float* from = static_cast<const float*>(base) + at;
      if constexpr (kCount == 1) {
        to[0] = *from;
      } else {
#pragma unroll
        for (int i = 0; i < kCount / 4; i++) {
          const float4 four = reinterpret_cast<const float4*>(from)[i];
          to[4 * i] = four.x, to[4 * i + 1] = four.y, to[4 * i + 2] = four.z, to[4 * i + 3] = four.w;
        }
      }
    }
  }

  __device__ __forceinline__ float at(long long element) const {
    float one[1];
    load(element, one);
    return one[0];
  }

  // The other way round; bf16 is rounded to nearest, ties to even.
  template <int kCount>
  __device__ __forceinline__ void store(long long at, const float (&from)[kCount]) const {
    if (is_bf16) {
      __nv_bfloat16* to = static_cast<__nv_bfloat16*>(base) + at;
      if constexpr (kCount == 1) {
        *to = __float2bfloat16_rn(from[0]);
      } else {
        uint32_t words[kCount / 2];
#pragma unroll
        for (int i = 0; i < kCount / 2; i++) words[i] = numbers::floats_to_bf16x2(from[2 * i], from[2 * i + 1]);
        copy(to, words);
      }
    } else {
      float* to = static_cast<float*>(base) + at;
      if constexpr (kCount == 1) {
        *to = from[0];
      } else {
#pragma unroll
        for (int i = 0; i < kCount / 4; i++) {
          reinterpret_cast<float4*>(to)[i] = make_float4(from[4 * i], from[4 * i + 1], from[4 * i + 2], from[4 * i + 3]);
        }
      }
    }
  }

  __device__ __forceinline__ void put(long long element, float value) const {
    const float one[1] = {value};
    store(element, one);
  }

 private:
  __device__ __forceinline__ static void copy(uint32_t (&to)[2], const void* from) {
    const uint2 both = *static_cast<const uint2*>(from);
    to[0] = both.x, to[1] = both.y;
  }
  __device__ __forceinline__ static void copy(uint32_t (&to)[4], const void* from) {
    const uint4 all = *static_cast<const uint4*>(from);
    to[0] = all.x, to[1] = all.y, to[2] = all.z, to[3] = all.w;
  }
  __device__ __forceinline__ static void copy(void* to, const uint32_t (&from)[2]) {
    *static_cast<uint2*>(to) = make_uint2(from[0], from[1]);
  }
  __device__ __forceinline__ static void copy(void* to, const uint32_t (&from)[4]) {
    *static_cast<uint4*>(to) = make_uint4(from[0], from[1], from[2], from[3]);
  }
};

}  // namespace stored
