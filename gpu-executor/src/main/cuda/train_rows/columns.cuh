// Sums over rows, in two stages of one order each.
#pragma once

#include "numbers8.cuh"

namespace train_rows {

constexpr int kColumnWarps = 8, kColumnRows = 128;   // rows of a block

// sums[block y][c] = sum of dy, or of dy x root, over the block's rows. Warp w has rows w, w + 8, ...; lane l has columns 8 l of 256.
template <bool kNorm, typename X>
__device__ __forceinline__ void column_sums(const X& dy, const X& x, const float* roots, float* sums, int rows, int columns) {
  __shared__ float parts[kColumnWarps][256 + 8];
  const int c = static_cast<int>(blockIdx.x) * 256 + 8 * lane(), count = min(8, columns - c);
  const int first = static_cast<int>(blockIdx.y) * kColumnRows, end = min(rows, first + kColumnRows);
  Eight sum = {};
  if (count > 0) {
#pragma unroll 4
    for (int row = first + warp(); row < end; row += kColumnWarps) {
      const long long at = static_cast<long long>(row) * columns + c;
      Eight d;
      dy.load(at, count, d);
      if constexpr (kNorm) {
        Eight v;
        x.load(at, count, v);
        const float root = roots[row];
#pragma unroll
        for (int j = 0; j < 8; j++) sum[j] += d[j] * (v[j] * root);
      } else {
#pragma unroll
        for (int j = 0; j < 8; j++) sum[j] += d[j];
      }
    }
  }
#pragma unroll
  for (int j = 0; j < 8; j++) parts[warp()][8 * lane() + j] = sum[j];
  __syncthreads();
  const int column = static_cast<int>(blockIdx.x) * 256 + static_cast<int>(threadIdx.x);
  if (column >= columns) return;
  float total = 0;
#pragma unroll
  for (int w = 0; w < kColumnWarps; w++) total += parts[w][threadIdx.x];
  sums[static_cast<long long>(blockIdx.y) * columns + column] = total;
}

constexpr int kAddWarps = 32;

// to[c] = to[c] + sum over parts. Blocks of 32 warps and 32 columns: warp w has parts w, w + 32, ...
__device__ __forceinline__ void add_sums(const float* sums, int parts, int columns, const Numbers& to) {
  __shared__ float totals[kAddWarps][32];
  const int column = static_cast<int>(blockIdx.x) * 32 + lane();
  float total = 0;
  if (column < columns) {
#pragma unroll 8
    for (int i = warp(); i < parts; i += kAddWarps) total += sums[static_cast<long long>(i) * columns + column];
  }
  totals[warp()][lane()] = total;
  __syncthreads();
  if (warp() > 0 || column >= columns) return;
  total = 0;
#pragma unroll
  for (int w = 0; w < kAddWarps; w++) total += totals[w][lane()];
  const Eight one = {to.at(column) + total};
  to.store(column, 1, one);
}

}  // namespace train_rows
