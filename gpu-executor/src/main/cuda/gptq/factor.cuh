// The upper Cholesky factor of the inverse of a symmetric positive definite matrix, in place in fp32 [stride, stride]: first V with
// V^T V = A, block of 128 rows after block of rows (diagonal block, panel, update of the rest), then W = V^-1, last block first.
// The chains of fused multiply-adds are those of quant-lib's InverseFactor, so the bits are.
#pragma once

#include <cstdint>

#include "outer_product.cuh"

namespace gptq {

constexpr int kBlock = 128;     // rows that are worked on together
constexpr int kNarrow = 16;     // of them, one after the other
constexpr int kColumns = 64;    // of a block of threads in panel and solve
constexpr int kThreads = 256;
constexpr int kPitch = kBlock + 4;
constexpr int kDiagonalBytes = kBlock * kBlock * 4;
constexpr int kPanelBytes = kDiagonalBytes + kBlock * kColumns * 4 + kBlock * 4;
constexpr int kSolveBytes = kBlock * kPitch * 4 + kBlock * kColumns * 4;

// V of a diagonal block of `count` rows from shared memory in place; false when a pivot is not a positive number. Rows are divided by the
// root of their pivot, the pivot too: it need not become the root to the bit. roots [count] are written for what lies to the right.
__device__ __forceinline__ bool factor_block(float (*v)[kBlock], int count, float* roots) {
  const int j = static_cast<int>(threadIdx.x) % kBlock, half = static_cast<int>(threadIdx.x) / kBlock;
  for (int narrow = 0; narrow < count; narrow += kNarrow) {
    const int end = narrow + kNarrow;
    for (int p = narrow; p < end; p++) {
      __syncthreads();
      const float pivot = v[p][p], mine = v[p][j];
      if (!(pivot > 0.0f && pivot <= 3.4028234e38f)) return false;
      const float root = __fsqrt_rn(pivot), divided = __fdiv_rn(mine, root);
      __syncthreads();
      if (half == 0 && j >= p) v[p][j] = divided;
      if (threadIdx.x == 0) roots[p] = root;
      __syncthreads();
      for (int i = p + 1 + half; i < end; i += 2) {
        if (j >= i) v[i][j] = __fmaf_rn(-v[p][i], divided, v[i][j]);
      }
    }
    __syncthreads();
    float above[kNarrow];
#pragma unroll
    for (int q = 0; q < kNarrow; q++) above[q] = v[narrow + q][j];
    for (int i = end + half; i < count; i += 2) {
      if (j < i) continue;
      float sum = v[i][j];
#pragma unroll
      for (int q = 0; q < kNarrow; q++) sum = __fmaf_rn(-v[narrow + q][i], above[q], sum);
      v[i][j] = sum;
    }
  }
  __syncthreads();
  return true;
}

// Rows of V right of a diagonal block that is done: x [128, 64] in shared memory becomes V^-T x. roots: of the pivots, in shared memory.
__device__ __forceinline__ void solve_panel(const float (*v)[kBlock], const float* roots, float (*x)[kColumns]) {
  const int column = static_cast<int>(threadIdx.x) % kColumns, quarter = static_cast<int>(threadIdx.x) / kColumns;
  for (int narrow = 0; narrow < kBlock; narrow += kNarrow) {
    if (quarter == 0) {
      float own[kNarrow];
#pragma unroll
      for (int p = 0; p < kNarrow; p++) own[p] = x[narrow + p][column];
#pragma unroll
      for (int p = 0; p < kNarrow; p++) {
        own[p] = __fdiv_rn(own[p], roots[narrow + p]);
#pragma unroll
        for (int i = p + 1; i < kNarrow; i++) own[i] = __fmaf_rn(-v[narrow + p][narrow + i], own[p], own[i]);
      }
#pragma unroll
      for (int p = 0; p < kNarrow; p++) x[narrow + p][column] = own[p];
    }
    __syncthreads();
    float above[kNarrow];
#pragma unroll
    for (int q = 0; q < kNarrow; q++) above[q] = x[narrow + q][column];
    for (int i = narrow + kNarrow + 4 * quarter; i < kBlock; i += 16) {
      float sums[4];
#pragma unroll
      for (int r = 0; r < 4; r++) sums[r] = x[i + r][column];
#pragma unroll
      for (int q = 0; q < kNarrow; q++) {
        const float4 left = *reinterpret_cast<const float4*>(&v[narrow + q][i]);
        sums[0] = __fmaf_rn(-left.x, above[q], sums[0]);
        sums[1] = __fmaf_rn(-left.y, above[q], sums[1]);
        sums[2] = __fmaf_rn(-left.z, above[q], sums[2]);
        sums[3] = __fmaf_rn(-left.w, above[q], sums[3]);
      }
#pragma unroll
      for (int r = 0; r < 4; r++) x[i + r][column] = sums[r];
    }
    __syncthreads();
  }
}

// The rows of a block of W, last row first, by one thread a column: x [count, 64], v [i][p] for p > i, `diagonal` [count].
__device__ __forceinline__ void solve_inverse(const float (*v)[kPitch], float (*x)[kColumns], const float* diagonal, int count, int last) {
  const int column = static_cast<int>(threadIdx.x);
  for (int i = min(count - 1, last); i >= 0; i--) {
    float sum = x[i][column];
#pragma unroll 8
    for (int p = i + 1; p < count; p++) sum = __fmaf_rn(-v[i][p], x[p][column], sum);
    x[i][column] = __fdiv_rn(sum, diagonal[i]);
  }
}

}  // namespace gptq
