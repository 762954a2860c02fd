// What becomes of the sums of a tile.
#pragma once

#include <cuda_bf16.h>

#include "mma.cuh"
#include "quad.cuh"

namespace gemm_train {

// kAdd: to fp32 numbers that stand there. kPart: fp32 partial sums, a whole tile behind the other, no bias.
enum class Result { kBf16 = 0, kFp32 = 1, kAdd = 2, kPart = 3 };

struct Output {
  void* y;
  const float* bias;   // [n], or null
  int m, n;
  Result result;
};

__device__ __forceinline__ uint32_t pack(float low, float high) {
  const __nv_bfloat162 pair = __floats2bfloat162_rn(low, high);
  return *reinterpret_cast<const uint32_t*>(&pair);
}

// n is a multiple of 8: so are the columns that a lane writes at a time.
__device__ __forceinline__ void store_bf16(const Output& out, int row, int column, int lane, const float (&sums)[kSums]) {
  const int c = lane % 4;
#pragma unroll
  for (int four = 0; four < kColumns / 32; four++) {
#pragma unroll
    for (int h = 0; h < 2; h++) {
      uint32_t word[4];
#pragma unroll
      for (int i = 0; i < 4; i++) {
        const int j = 4 * four + i, at = column + 8 * j + 2 * c;
        float2 bias = {0, 0};
        if (out.bias != nullptr && at < out.n) bias = *reinterpret_cast<const float2*>(out.bias + at);
        word[i] = pack(sums[4 * j + 2 * h] + bias.x, sums[4 * j + 2 * h + 1] + bias.y);
      }
      quad::transpose(word, c);
      const int at_row = row + lane / 4 + 8 * h, at = column + 8 * (4 * four + c);
      if (at_row < out.m && at < out.n) {
        *reinterpret_cast<uint4*>(static_cast<__nv_bfloat16*>(out.y) + static_cast<long long>(at_row) * out.n + at) =
            make_uint4(word[0], word[1], word[2], word[3]);
      }
    }
  }
}

template <bool kAdd>
__device__ __forceinline__ void store_fp32(const Output& out, int row, int column, int lane, const float (&sums)[kSums]) {
  const int c = lane % 4;
#pragma unroll
  for (int j = 0; j < kColumns / 8; j++) {
    const int at = column + 8 * j + 2 * c;
    if (at >= out.n) continue;
    float2 bias = {0, 0};
    if (out.bias != nullptr) bias = *reinterpret_cast<const float2*>(out.bias + at);
#pragma unroll
    for (int h = 0; h < 2; h++) {
      const int at_row = row + lane / 4 + 8 * h;
      if (at_row >= out.m) continue;
      float2* to = reinterpret_cast<float2*>(static_cast<float*>(out.y) + static_cast<long long>(at_row) * out.n + at);
      const float2 before = kAdd ? *to : bias;
      *to = make_float2(before.x + sums[4 * j + 2 * h], before.y + sums[4 * j + 2 * h + 1]);
    }
  }
}

// `row`: of the warp within the tile.
__device__ __forceinline__ void store_part(const Output& out, int slot, int tile_rows, int row, int lane, const float (&sums)[kSums]) {
  float* to = static_cast<float*>(out.y) + static_cast<long long>(slot) * tile_rows * kColumns;
#pragma unroll
  for (int j = 0; j < kColumns / 8; j++) {
#pragma unroll
    for (int h = 0; h < 2; h++) {
      const int at = (row + lane / 4 + 8 * h) * kColumns + 8 * j + 2 * (lane % 4);
      *reinterpret_cast<float2*>(to + at) = make_float2(sums[4 * j + 2 * h], sums[4 * j + 2 * h + 1]);
    }
  }
}

}  // namespace gemm_train
