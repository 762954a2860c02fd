// What is done to many tensors at a time.
#pragma once

#include "numbers8.cuh"

namespace train_rows {

constexpr int kPieceThreads = 256, kPieceNumbers = 128;   // of a thread
constexpr long long kPiece = kPieceThreads * kPieceNumbers;

// A tensor of a table: blocks first, first + 1, ... of the launch have a piece of it each.
struct Entry {
  long long address, count;
  int is_bf16, first;
};

// The entry that a block works for: the last one with first <= block.
__device__ __forceinline__ Entry entry_of(const Entry* table, int entries, int block) {
  int low = 0, high = entries;
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    if (table[middle].first <= block) low = middle;
    else high = middle;
  }
  return table[low];
}

// squares[block] in fp64: a thread sums 128 numbers in fp32, thread by thread in fp64.
__device__ __forceinline__ void squares(const Entry& of, int block, double* to) {
  __shared__ double sums[kPieceThreads / 32];
  const Numbers x{reinterpret_cast<void*>(of.address), of.is_bf16, of.address % 16 == 0};
  const long long first = (block - of.first) * kPiece;
  float sum = 0;
#pragma unroll 4
  for (int k = 0; k < kPieceNumbers / 8; k++) {
    const long long i = first + 8ll * (k * kPieceThreads + static_cast<int>(threadIdx.x));
    if (i >= of.count) break;
    Eight v;
    x.load(i, static_cast<int>(min(8ll, of.count - i)), v);
#pragma unroll
    for (int j = 0; j < 8; j++) sum = fmaf(v[j], v[j], sum);
  }
  double total = sum;
#pragma unroll
  for (int offset = 16; offset > 0; offset /= 2) total += __shfl_xor_sync(reduce::kFullWarp, total, offset);
  if (lane() == 0) sums[warp()] = total;
  __syncthreads();
  if (threadIdx.x > 0) return;
  total = 0;
  for (double one : sums) total += one;
  to[block] = total;
}

__device__ __forceinline__ void zeros(const Entry& of, int block) {
  const Numbers x{reinterpret_cast<void*>(of.address), of.is_bf16, of.address % 16 == 0};
  const long long first = (block - of.first) * kPiece;
  const Eight none = {};
  for (int k = 0; k < kPieceNumbers / 8; k++) {
    const long long i = first + 8ll * (k * kPieceThreads + static_cast<int>(threadIdx.x));
    if (i >= of.count) break;
    x.store(i, static_cast<int>(min(8ll, of.count - i)), none);
  }
}

}  // namespace train_rows
