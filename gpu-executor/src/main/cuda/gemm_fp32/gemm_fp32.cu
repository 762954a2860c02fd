// fp32 GEMM without TF32, for checks: Y = X W^T + bias, any M, N, K >= 1.
//
// Shapes (last axis contiguous): X [M, K], W [N, K], Y [M, N], bias [N] or null, all fp32; no alignment but that of a float.
//
// Versions
//   1 (gemm_fp32_fma). Blocks of 64 x 64 outputs, 16 of K at a time in shared memory, 4 x 4 outputs a thread. An output is one chain of
//     fused multiply-adds over K from 0 upwards, started at +0, then one addition of the bias: the bits of
//     `for (k) sum = Math.fma(x[k], w[k], sum)` in Java. Nothing depends on M, N or the place of the output.
//   2 (gemm_fp32_wide). Blocks of 128 x 128, 8 x 8 a thread, two buffers: twice the products a load from shared memory. The same
//     bits. For many rows, and K a multiple of 4 with rows at multiples of 16 bytes.
//
// Bound: the fma units, 2 M N K / 67 Tflop/s on an H100.
#include <cstdint>

#include "reduce.cuh"
#include "wide.cuh"

namespace gemm_fp32 {

constexpr int kTile = 64;       // rows and columns of a block's outputs
constexpr int kDepth = 16;      // of K in shared memory
constexpr int kEach = 4;        // rows and columns of a thread
constexpr int kThreads = kTile / kEach * (kTile / kEach);
constexpr int kPitch = kTile + 4;

// Rows first_row .. + 63 and columns first .. + 15 of a [rows, K] matrix to [K][row]; zeros outside.
__device__ __forceinline__ void load_tile(const float* from, int rows, int k, int first_row, int first, float (*to)[kPitch]) {
#pragma unroll
  for (int i = static_cast<int>(threadIdx.x); i < kTile * kDepth; i += kThreads) {
    const int row = i / kDepth, column = i % kDepth;
    const bool inside = first_row + row < rows && first + column < k;
    to[column][row] = inside ? from[static_cast<long long>(first_row + row) * k + first + column] : 0.0f;
  }
}

}  // namespace gemm_fp32

// Grid (ceil(N / 64), ceil(M / 64)), block 256.
extern "C" __global__ void __launch_bounds__(gemm_fp32::kThreads)
    gemm_fp32_fma(float* y, const float* x, const float* w, const float* bias, int m, int n, int k) {
  using namespace gemm_fp32;
  __shared__ __align__(16) float rows[kDepth][kPitch];
  __shared__ __align__(16) float columns[kDepth][kPitch];
  const int first_row = static_cast<int>(blockIdx.y) * kTile, first_column = static_cast<int>(blockIdx.x) * kTile;
  const int thread = static_cast<int>(threadIdx.x), row = thread / (kTile / kEach) * kEach, column = thread % (kTile / kEach) * kEach;
  float sums[kEach][kEach] = {};
  reduce::wait_for_predecessor();
  for (int first = 0; first < k; first += kDepth) {
    load_tile(x, m, k, first_row, first, rows);
    load_tile(w, n, k, first_column, first, columns);
    __syncthreads();
    const int depth = min(kDepth, k - first);   // products of the zeros beyond K could turn -0 into +0
#pragma unroll 8
    for (int i = 0; i < depth; i++) {
      const float4 a = *reinterpret_cast<const float4*>(&rows[i][row]), b = *reinterpret_cast<const float4*>(&columns[i][column]);
      const float x_values[kEach] = {a.x, a.y, a.z, a.w}, w_values[kEach] = {b.x, b.y, b.z, b.w};
#pragma unroll
      for (int j = 0; j < kEach * kEach; j++) {
        sums[j / kEach][j % kEach] = __fmaf_rn(x_values[j / kEach], w_values[j % kEach], sums[j / kEach][j % kEach]);
      }
    }
    __syncthreads();
  }
#pragma unroll
  for (int j = 0; j < kEach * kEach; j++) {
    const int at_row = first_row + row + j / kEach, at_column = first_column + column + j % kEach;
    if (at_row >= m || at_column >= n) continue;
    const float sum = sums[j / kEach][j % kEach];
    y[static_cast<long long>(at_row) * n + at_column] = bias == nullptr ? sum : __fadd_rn(sum, bias[at_column]);
  }
}

// Grid (ceil(N / 128), ceil(M / 128)), block 256. K a multiple of 4; X and W begin at multiples of 16 bytes.
extern "C" __global__ void __launch_bounds__(gemm_fp32::kWideThreads, 2)
    gemm_fp32_wide(float* y, const float* x, const float* w, const float* bias, int m, int n, int k) {
  gemm_fp32::wide(y, x, w, bias, m, n, k);
}
