// Sums of outer products in fp32 over tiles of 128 x 128: c[i, j] = c[i, j] +- sum over p of a[p, i] b[p, j], both operands with
// contiguous rows, so that they go to shared memory as they are. Every element is one chain of fused multiply-adds over p from 0
// upwards: the bits of `for (p) c = Math.fma(a[p], b[p], c)` in Java, which is what quant-lib's TileKernel computes.
#pragma once

#include <cstdint>

#include "ptx.cuh"

namespace outer {

constexpr int kTile = 128, kThreads = 256;
constexpr int kDepth = 16;    // of p in shared memory at a time
constexpr int kStages = 3;

struct Shared {
  alignas(16) float a[kStages][kDepth][kTile];
  alignas(16) float b[kStages][kDepth][kTile];
};

// Rows p of an operand, from the first column of the tile on.
struct Rows {
  const float* first;
  long long stride;   // a multiple of 4; `first` lies at a multiple of 16 bytes
  int columns;        // that there are from here on, a multiple of 4
};

// Of 8 x 8 numbers a thread: rows and columns `first` .. + 3 and 64 behind.
__device__ __forceinline__ int first_row() { return static_cast<int>(threadIdx.x) / 16 * 4; }
__device__ __forceinline__ int first_column() { return static_cast<int>(threadIdx.x) % 16 * 4; }
__device__ __forceinline__ int offset(int i) { return i % 4 + i / 4 * 64; }

__device__ __forceinline__ void fetch(const Rows& from, int p, int depth, float (*to)[kTile]) {
#pragma unroll
  for (int i = static_cast<int>(threadIdx.x); i < kDepth * kTile / 4; i += kThreads) {
    const int row = i / (kTile / 4), column = i % (kTile / 4) * 4;
    const bool inside = p + row < depth && column < from.columns;
    ptx::copy_16(ptx::shared_address(&to[row][column]), from.first + (inside ? (p + row) * from.stride + column : 0), inside ? 16 : 0);
  }
}

__device__ __forceinline__ void eight(const float* from, float (&to)[8]) {
  const float4 low = *reinterpret_cast<const float4*>(from), high = *reinterpret_cast<const float4*>(from + 64);
  to[0] = low.x, to[1] = low.y, to[2] = low.z, to[3] = low.w;
  to[4] = high.x, to[5] = high.y, to[6] = high.z, to[7] = high.w;
}

// Adds p = 0 .. depth - 1. kNegative: subtracts. kUpper: b[p, j] counts for p <= j alone. Every thread of the block calls.
template <bool kNegative, bool kUpper>
__device__ __forceinline__ void add(const Rows& a, const Rows& b, int depth, float (&sums)[8][8], Shared& shared) {
  __syncthreads();
#pragma unroll
  for (int s = 0; s < kStages - 1; s++) {
    if (s * kDepth < depth) {
      fetch(a, s * kDepth, depth, shared.a[s]);
      fetch(b, s * kDepth, depth, shared.b[s]);
    }
    ptx::copy_commit();
  }
  const int row = first_row(), column = first_column();
  int stage = 0, next_stage = kStages - 1;
  for (int first = 0; first < depth; first += kDepth) {
    ptx::copy_wait<kStages - 2>();
    __syncthreads();
    const int next = first + (kStages - 1) * kDepth;
    if (next < depth) {
      fetch(a, next, depth, shared.a[next_stage]);
      fetch(b, next, depth, shared.b[next_stage]);
    }
    ptx::copy_commit();
    const int count = min(kDepth, depth - first);   // products of the zeros beyond could turn -0 into +0
#pragma unroll 4
    for (int p = 0; p < count; p++) {
      float left[8], right[8];
      eight(&shared.a[stage][p][row], left);
      eight(&shared.b[stage][p][column], right);
#pragma unroll
      for (int j = 0; j < 8; j++) {
        if (kUpper) right[j] = first + p <= column + offset(j) ? right[j] : 0.0f;
      }
#pragma unroll
      for (int i = 0; i < 64; i++) {
        sums[i / 8][i % 8] = __fmaf_rn(kNegative ? -left[i / 8] : left[i / 8], right[i % 8], sums[i / 8][i % 8]);
      }
    }
    stage = stage + 1 == kStages ? 0 : stage + 1;
    next_stage = next_stage + 1 == kStages ? 0 : next_stage + 1;
  }
}

// The tile that begins at `at`, of which `rows` x `columns` (a multiple of 4) exist.
__device__ __forceinline__ void load(const float* at, long long stride, int rows, int columns, float (&sums)[8][8]) {
#pragma unroll
  for (int i = 0; i < 16; i++) {
    const int row = first_row() + offset(i / 2), column = first_column() + i % 2 * 64;
    const float4 four = row < rows && column < columns ? *reinterpret_cast<const float4*>(at + row * stride + column) : float4{};
    float* to = &sums[i / 2][i % 2 * 4];
    to[0] = four.x, to[1] = four.y, to[2] = four.z, to[3] = four.w;
  }
}

__device__ __forceinline__ void store(float* at, long long stride, int rows, int columns, const float (&sums)[8][8]) {
#pragma unroll
  for (int i = 0; i < 16; i++) {
    const int row = first_row() + offset(i / 2), column = first_column() + i % 2 * 64;
    const float* from = &sums[i / 2][i % 2 * 4];
    if (row < rows && column < columns) {
      *reinterpret_cast<float4*>(at + row * stride + column) = make_float4(from[0], from[1], from[2], from[3]);
    }
  }
}

// Row and column, row <= column, of number `index` among the tiles of an upper triangle, column after column.
__device__ __forceinline__ void upper_tile(int index, int& row, int& column) {
  column = static_cast<int>((sqrtf(8.0f * static_cast<float>(index) + 1.0f) - 1.0f) / 2.0f);
  while (column * (column + 1) / 2 > index) column--;
  while ((column + 1) * (column + 2) / 2 <= index) column++;
  row = index - column * (column + 1) / 2;
}

}  // namespace outer
