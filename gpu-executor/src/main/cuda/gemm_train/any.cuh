// Products in ordinary fp32 of operands of either type and any shape: Y[r, c] = sum over d of A[r, d] B[c, d].
#pragma once

#include <cuda_bf16.h>

#include "reduce.cuh"

namespace gemm_train {

// A matrix of fp32 or bf16, an element of which is at row * row_step + depth * depth_step; one of the steps is 1.
struct Operand {
  const void* data;
  int is_bf16;
  long long row_step, depth_step;

  __device__ __forceinline__ float at(long long row, long long depth) const {
    const long long i = row * row_step + depth * depth_step;
    return is_bf16 ? __bfloat162float(static_cast<const __nv_bfloat16*>(data)[i]) : static_cast<const float*>(data)[i];
  }
};

constexpr int kAnyTile = 64, kAnyDepth = 16, kAnyEach = 4, kAnyThreads = 256, kAnyPitch = kAnyTile + 4;

// 64 rows x 16 of the depth to [depth][row], zeros outside; neighbouring threads read neighbouring numbers.
__device__ __forceinline__ void load_any(const Operand& from, int rows, int depth, int first_row, int first, float (*to)[kAnyPitch]) {
#pragma unroll
  for (int i = static_cast<int>(threadIdx.x); i < kAnyTile * kAnyDepth; i += kAnyThreads) {
    const bool deep = from.depth_step == 1;
    const int row = deep ? i / kAnyDepth : i % kAnyTile, at = deep ? i % kAnyDepth : i / kAnyTile;
    to[at][row] = first_row + row < rows && first + at < depth ? from.at(first_row + row, first + at) : 0.0f;
  }
}

struct AnyResult {
  void* y;
  int is_bf16, add;
  const float* bias;   // or null

  __device__ __forceinline__ void put(long long i, int column, float sum) const {
    if (bias != nullptr) sum += bias[column];
    if (is_bf16) {
      __nv_bfloat16* to = static_cast<__nv_bfloat16*>(y) + i;
      *to = __float2bfloat16_rn(add ? __bfloat162float(*to) + sum : sum);
    } else {
      float* to = static_cast<float*>(y) + i;
      *to = add ? *to + sum : sum;
    }
  }
};

// A sum is one chain of fused multiply-adds over the depth from 0 upwards.
__device__ __forceinline__ void multiply_any(const Operand& a, const Operand& b, const AnyResult& to, int m, int n, int depth) {
  __shared__ __align__(16) float rows[kAnyDepth][kAnyPitch];
  __shared__ __align__(16) float columns[kAnyDepth][kAnyPitch];
  const int first_row = static_cast<int>(blockIdx.y) * kAnyTile, first_column = static_cast<int>(blockIdx.x) * kAnyTile;
  const int thread = static_cast<int>(threadIdx.x), row = thread / 16 * kAnyEach, column = thread % 16 * kAnyEach;
  float sums[kAnyEach][kAnyEach] = {};
  for (int first = 0; first < depth; first += kAnyDepth) {
    load_any(a, m, depth, first_row, first, rows);
    load_any(b, n, depth, first_column, first, columns);
    __syncthreads();
#pragma unroll
    for (int i = 0; i < kAnyDepth; i++) {
      const float4 x = *reinterpret_cast<const float4*>(&rows[i][row]), w = *reinterpret_cast<const float4*>(&columns[i][column]);
      const float xs[kAnyEach] = {x.x, x.y, x.z, x.w}, ws[kAnyEach] = {w.x, w.y, w.z, w.w};
#pragma unroll
      for (int j = 0; j < kAnyEach * kAnyEach; j++) {
        sums[j / kAnyEach][j % kAnyEach] = __fmaf_rn(xs[j / kAnyEach], ws[j % kAnyEach], sums[j / kAnyEach][j % kAnyEach]);
      }
    }
    __syncthreads();
  }
#pragma unroll
  for (int j = 0; j < kAnyEach * kAnyEach; j++) {
    const int at_row = first_row + row + j / kAnyEach, at_column = first_column + column + j % kAnyEach;
    if (at_row < m && at_column < n) {
      to.put(static_cast<long long>(at_row) * n + at_column, at_column, sums[j / kAnyEach][j % kAnyEach]);
    }
  }
}

}  // namespace gemm_train
