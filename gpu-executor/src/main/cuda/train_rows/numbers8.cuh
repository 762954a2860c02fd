// Eight neighbouring numbers, fp32 or bf16, as fp32. What is done to them is a template of where they are: any Numbers, or Bf16Eights.
#pragma once

#include <cuda_bf16.h>

#include "reduce.cuh"

namespace train_rows {

using Eight = float[8];

// A tensor. `aligned`: eights of a row, or of all, begin at multiples of 16 bytes.
struct Numbers {
  void* data;
  int is_bf16, aligned;

  // `count` of them from element i, the others 0.
  __device__ __forceinline__ void load(long long i, int count, Eight& to) const {
    if (count == 8 && aligned) {
      if (is_bf16) {
        reduce::unpack(*reinterpret_cast<const reduce::Bf16x8*>(static_cast<const __nv_bfloat16*>(data) + i), to);
      } else {
        const float4* from = reinterpret_cast<const float4*>(static_cast<const float*>(data) + i);
        const float4 low = from[0], high = from[1];
        to[0] = low.x, to[1] = low.y, to[2] = low.z, to[3] = low.w;
        to[4] = high.x, to[5] = high.y, to[6] = high.z, to[7] = high.w;
      }
      return;
    }
#pragma unroll
    for (int j = 0; j < 8; j++) to[j] = j < count ? at(i + j) : 0.0f;
  }

  // Rounds to nearest, ties to even.
  __device__ __forceinline__ void store(long long i, int count, const Eight& from) const {
    if (count == 8 && aligned) {
      if (is_bf16) {
        *reinterpret_cast<reduce::Bf16x8*>(static_cast<__nv_bfloat16*>(data) + i) = reduce::pack(from);
      } else {
        float4* to = reinterpret_cast<float4*>(static_cast<float*>(data) + i);
        to[0] = make_float4(from[0], from[1], from[2], from[3]);
        to[1] = make_float4(from[4], from[5], from[6], from[7]);
      }
      return;
    }
#pragma unroll
    for (int j = 0; j < 8; j++) {
      if (j >= count) continue;
      if (is_bf16) static_cast<__nv_bfloat16*>(data)[i + j] = __float2bfloat16_rn(from[j]);
      else static_cast<float*>(data)[i + j] = from[j];
    }
  }

  __device__ __forceinline__ float at(long long i) const {
    return is_bf16 ? __bfloat162float(static_cast<const __nv_bfloat16*>(data)[i]) : static_cast<const float*>(data)[i];
  }
};

// bf16 in eights that begin at multiples of 16 bytes: nothing is decided as it runs, so that several loads are under way.
struct Bf16Eights {
  __nv_bfloat16* data;

  __device__ __forceinline__ void load(long long i, int count, Eight& to) const {
    uint4 words = {0, 0, 0, 0};
    if (count > 0) words = *reinterpret_cast<const uint4*>(data + i);
    reduce::unpack(*reinterpret_cast<const reduce::Bf16x8*>(&words), to);
  }

  __device__ __forceinline__ void store(long long i, int count, const Eight& from) const {
    if (count > 0) *reinterpret_cast<reduce::Bf16x8*>(data + i) = reduce::pack(from);
  }
};

// Whether tensors whose eights are whole are bf16 in such eights.
__device__ __forceinline__ bool is_fast(const Numbers& x) { return x.is_bf16 && x.aligned; }
__device__ __forceinline__ Bf16Eights fast(const Numbers& x) { return {static_cast<__nv_bfloat16*>(x.data)}; }

__device__ __forceinline__ int warp() { return static_cast<int>(threadIdx.x) / 32; }
__device__ __forceinline__ int lane() { return static_cast<int>(threadIdx.x) % 32; }

}  // namespace train_rows
