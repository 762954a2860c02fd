// X^T X of bf16 rows on tensor cores: a tile of 128 x 128 a block, fp32 sums, products exact. X [rows, pitch] goes to shared memory
// as it is; ldmatrix transposes. 16-byte pieces of a row are permuted by the row, so that eight rows are read without conflicts.
#pragma once

#include <cstdint>

#include "mma_bf16.cuh"
#include "ptx.cuh"

namespace observe {

constexpr int kTile = 128, kThreads = 256;
constexpr int kDepth = 32;    // rows in shared memory at a time
constexpr int kStages = 3;

struct GramShared {
  alignas(16) uint16_t a[kStages][kDepth][kTile];
  alignas(16) uint16_t b[kStages][kDepth][kTile];
};

__device__ __forceinline__ uint32_t piece(const uint16_t (*tile)[kTile], int row, int column) {
  return ptx::shared_address(&tile[row][((column / 8) ^ (row & 7)) * 8]);
}

__device__ __forceinline__ void fetch(const uint16_t* x, int pitch, int rows, int first_row, int first_column, uint16_t (*to)[kTile]) {
#pragma unroll
  for (int i = static_cast<int>(threadIdx.x); i < kDepth * kTile / 8; i += kThreads) {
    const int row = i / (kTile / 8), column = i % (kTile / 8) * 8;
    const bool inside = first_row + row < rows && first_column + column < pitch;
    ptx::copy_16(piece(to, row, column), x + (inside ? static_cast<long long>(first_row + row) * pitch + first_column + column : 0),
                 inside ? 16 : 0);
  }
}

// 64 x 32 sums a warp: rows 16 i and columns 8 j of it in sums[i][j], laid out as tensor_core::mma says.
__device__ __forceinline__ void multiply(const uint16_t (*a)[kTile], const uint16_t (*b)[kTile], int row, int column, float (&sums)[4][4][4]) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
#pragma unroll
  for (int depth = 0; depth < kDepth; depth += 16) {
    uint32_t left[4][4], right[2][4];
#pragma unroll
    for (int i = 0; i < 4; i++) ptx::load_transposed(left[i], piece(a, depth + lane / 16 * 8 + lane % 8, row + 16 * i + lane / 8 % 2 * 8));
#pragma unroll
    for (int j = 0; j < 2; j++) ptx::load_transposed(right[j], piece(b, depth + lane / 8 % 2 * 8 + lane % 8, column + 16 * j + lane / 16 * 8));
#pragma unroll
    for (int i = 0; i < 4; i++) {
#pragma unroll
      for (int j = 0; j < 4; j++) tensor_core::mma(sums[i][j], left[i], right[j / 2][j % 2 * 2], right[j / 2][j % 2 * 2 + 1]);
    }
  }
}

// Adds the products of all rows to the tile of `h` [pitch, pitch] that begins at [first_row, first_column].
__device__ __forceinline__ void add_gram(float* h, const uint16_t* x, int rows, int pitch, int first_row, int first_column, GramShared& shared) {
  const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32;
  const int row = warp / 4 * 64, column = warp % 4 * 32;
  float sums[4][4][4] = {};
#pragma unroll
  for (int s = 0; s < kStages - 1; s++) {
    if (s * kDepth < rows) {
      fetch(x, pitch, rows, s * kDepth, first_row, shared.a[s]);
      fetch(x, pitch, rows, s * kDepth, first_column, shared.b[s]);
    }
    ptx::copy_commit();
  }
  int stage = 0, next_stage = kStages - 1;
  for (int first = 0; first < rows; first += kDepth) {
    ptx::copy_wait<kStages - 2>();
    __syncthreads();
    const int next = first + (kStages - 1) * kDepth;
    if (next < rows) {
      fetch(x, pitch, rows, next, first_row, shared.a[next_stage]);
      fetch(x, pitch, rows, next, first_column, shared.b[next_stage]);
    }
    ptx::copy_commit();
    multiply(shared.a[stage], shared.b[stage], row, column, sums);
    stage = stage + 1 == kStages ? 0 : stage + 1;
    next_stage = next_stage + 1 == kStages ? 0 : next_stage + 1;
  }
#pragma unroll
  for (int i = 0; i < 4; i++) {
#pragma unroll
    for (int j = 0; j < 4; j++) {
#pragma unroll
      for (int half = 0; half < 2; half++) {
        const int at_row = first_row + row + 16 * i + lane / 4 + 8 * half, at_column = first_column + column + 8 * j + lane % 4 * 2;
        if (at_row >= pitch || at_column >= pitch) continue;
        float2* at = reinterpret_cast<float2*>(h + static_cast<long long>(at_row) * pitch + at_column);
        const float2 before = *at;
        *at = make_float2(__fadd_rn(before.x, sums[i][j][2 * half]), __fadd_rn(before.y, sums[i][j][2 * half + 1]));
      }
    }
  }
}

}  // namespace observe
