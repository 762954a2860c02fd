// Tiles of 128 x 128 outputs, 8 x 8 a thread: the product of many rows. The next 16 of K are on their way to registers while
// 16 are multiplied from shared memory. The chain of an output is that of the small tiles, to the bit.
#pragma once

#include "reduce.cuh"

namespace gemm_fp32 {

constexpr int kWideTile = 128, kWideDepth = 16, kWideThreads = 256, kWidePitch = kWideTile + 4;
constexpr int kLoads = kWideTile * kWideDepth / 4 / kWideThreads;   // of four numbers, a thread and operand

// A thread's share of 128 rows x 16 of K: four numbers of row `row` + 64 i; K is a multiple of 4.
struct Fetch {
  float4 held[kLoads];

  __device__ __forceinline__ void start(const float* from, int rows, int k, int first_row, int first) {
    const int row = static_cast<int>(threadIdx.x) / 4, at = first + static_cast<int>(threadIdx.x) % 4 * 4;
#pragma unroll
    for (int i = 0; i < kLoads; i++) {
      const int r = first_row + row + 64 * i;
      held[i] = r < rows && at < k ? *reinterpret_cast<const float4*>(from + static_cast<long long>(r) * k + at) : float4{};
    }
  }

  __device__ __forceinline__ void finish(float (*to)[kWidePitch]) const {
    const int row = static_cast<int>(threadIdx.x) / 4, at = static_cast<int>(threadIdx.x) % 4 * 4;
#pragma unroll
    for (int i = 0; i < kLoads; i++) {
      to[at][row + 64 * i] = held[i].x;
      to[at + 1][row + 64 * i] = held[i].y;
      to[at + 2][row + 64 * i] = held[i].z;
      to[at + 3][row + 64 * i] = held[i].w;
    }
  }
};

// One number of K of 8 rows: four at `at`, four 64 behind.
__device__ __forceinline__ void eight(const float* from, int at, float (&to)[8]) {
  const float4 low = *reinterpret_cast<const float4*>(from + at), high = *reinterpret_cast<const float4*>(from + at + 64);
  to[0] = low.x, to[1] = low.y, to[2] = low.z, to[3] = low.w;
  to[4] = high.x, to[5] = high.y, to[6] = high.z, to[7] = high.w;
}

__device__ __forceinline__ void multiply_depth(const float (*rows)[kWidePitch], const float (*columns)[kWidePitch], int depth, int row,
                                               int column, float (&sums)[8][8]) {
#pragma unroll 4
  for (int i = 0; i < depth; i++) {
    float x[8], w[8];
    eight(rows[i], row, x);
    eight(columns[i], column, w);
#pragma unroll
    for (int j = 0; j < 64; j++) sums[j / 8][j % 8] = __fmaf_rn(x[j / 8], w[j % 8], sums[j / 8][j % 8]);
  }
}

__device__ __forceinline__ void wide(float* y, const float* x, const float* w, const float* bias, int m, int n, int k) {
  __shared__ __align__(16) float rows[2][kWideDepth][kWidePitch];
  __shared__ __align__(16) float columns[2][kWideDepth][kWidePitch];
  const int first_row = static_cast<int>(blockIdx.y) * kWideTile, first_column = static_cast<int>(blockIdx.x) * kWideTile;
  const int row = static_cast<int>(threadIdx.x) / 16 * 4, column = static_cast<int>(threadIdx.x) % 16 * 4;
  float sums[8][8] = {};
  reduce::wait_for_predecessor();
  Fetch of_x, of_w;
  of_x.start(x, m, k, first_row, 0);
  of_w.start(w, n, k, first_column, 0);
  of_x.finish(rows[0]);
  of_w.finish(columns[0]);
  __syncthreads();
  int buffer = 0;
  for (int first = 0; first < k; first += kWideDepth) {
    const bool more = first + kWideDepth < k;
    if (more) {
      of_x.start(x, m, k, first_row, first + kWideDepth);
      of_w.start(w, n, k, first_column, first + kWideDepth);
    }
    // Products of the zeros beyond K could turn -0 into +0.
    multiply_depth(rows[buffer], columns[buffer], min(kWideDepth, k - first), row, column, sums);
    if (more) {
      of_x.finish(rows[1 - buffer]);
      of_w.finish(columns[1 - buffer]);
    }
    __syncthreads();
    buffer = 1 - buffer;
  }
#pragma unroll
  for (int j = 0; j < 64; j++) {
    const int at_row = first_row + row + j / 8 % 4 + j / 32 * 64, at_column = first_column + column + j % 4 + j % 8 / 4 * 64;
    if (at_row >= m || at_column >= n) continue;
    const float sum = sums[j / 8][j % 8];
    y[static_cast<long long>(at_row) * n + at_column] = bias == nullptr ? sum : __fadd_rn(sum, bias[at_column]);
  }
}

}  // namespace gemm_fp32
