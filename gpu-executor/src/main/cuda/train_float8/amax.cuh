// Largest magnitudes of a matrix: of all of it, or of every row and every column in one pass.
//
// They are bits of fp32 without the sign, compared as whole numbers: the order is that of magnitudes, with infinity above all finite
// numbers and NaN above it. A maximum has no order to keep, so blocks meet in atomicMax.
#pragma once

#include <cstdint>

#include <cuda_bf16.h>

#include "reduce.cuh"

namespace train_float8 {

// A block reads 128 rows x 256 columns: a warp 16 rows, a lane 8 columns of them.
constexpr int kAmaxThreads = 256, kAmaxWarps = kAmaxThreads / 32;
constexpr int kAmaxRows = 128, kAmaxColumns = 256, kAmaxRowsOfWarp = kAmaxRows / kAmaxWarps;

// Eight numbers of a row, and the largest of several such eights: of each column, or all together.
template <typename T>
struct Eight;

template <>
struct Eight<__nv_bfloat16> {
  uint4 words;
  static __device__ __forceinline__ Eight load(const __nv_bfloat16* from) { return {*reinterpret_cast<const uint4*>(from)}; }
  __device__ __forceinline__ Eight magnitudes() const {
    constexpr uint32_t kMask = 0x7FFF7FFFu;
    return {make_uint4(words.x & kMask, words.y & kMask, words.z & kMask, words.w & kMask)};
  }
  __device__ __forceinline__ void raise(const Eight& by) {
    words = make_uint4(__vmaxu2(words.x, by.words.x), __vmaxu2(words.y, by.words.y), __vmaxu2(words.z, by.words.z),
                       __vmaxu2(words.w, by.words.w));
  }
  __device__ __forceinline__ uint32_t largest() const {
    const uint32_t pair = __vmaxu2(__vmaxu2(words.x, words.y), __vmaxu2(words.z, words.w));
    return max(pair << 16, pair & 0xFFFF0000u);
  }
  __device__ __forceinline__ void columns(uint32_t (&to)[8]) const {
    const uint32_t all[] = {words.x, words.y, words.z, words.w};
#pragma unroll
    for (int i = 0; i < 8; i++) to[i] = i % 2 == 0 ? all[i / 2] << 16 : all[i / 2] & 0xFFFF0000u;
  }
};

template <>
struct Eight<float> {
  uint32_t numbers[8];
  static __device__ __forceinline__ Eight load(const float* from) {
    const uint4 low = reinterpret_cast<const uint4*>(from)[0], high = reinterpret_cast<const uint4*>(from)[1];
    return {{low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w}};
  }
  __device__ __forceinline__ Eight magnitudes() const {
    Eight all;
#pragma unroll
    for (int i = 0; i < 8; i++) all.numbers[i] = numbers[i] & 0x7FFFFFFFu;
    return all;
  }
  __device__ __forceinline__ void raise(const Eight& by) {
#pragma unroll
    for (int i = 0; i < 8; i++) numbers[i] = max(numbers[i], by.numbers[i]);
  }
  __device__ __forceinline__ uint32_t largest() const {
    uint32_t most = numbers[0];
#pragma unroll
    for (int i = 1; i < 8; i++) most = max(most, numbers[i]);
    return most;
  }
  __device__ __forceinline__ void columns(uint32_t (&to)[8]) const {
#pragma unroll
    for (int i = 0; i < 8; i++) to[i] = numbers[i];
  }
};

// The eights of a lane, `use(i, eight)` of row i of the warp's; several rows are under way at a time. Nothing outside of the matrix.
template <typename T, typename Use>
__device__ __forceinline__ void each_row(const T* x, int rows, int columns, int first_row, int column, const Use& use) {
  constexpr int kTogether = sizeof(T) == 2 ? 8 : 4;
#pragma unroll
  for (int begin = 0; begin < kAmaxRowsOfWarp; begin += kTogether) {
    Eight<T> eights[kTogether] = {};
#pragma unroll
    for (int i = 0; i < kTogether; i++) {
      const int row = first_row + begin + i;
      if (row < rows && column < columns) eights[i] = Eight<T>::load(x + static_cast<long long>(row) * columns + column);
    }
#pragma unroll
    for (int i = 0; i < kTogether; i++) use(begin + i, eights[i].magnitudes());
  }
}

// Raises *amax, which was 0 before the first block.
template <typename T>
__device__ __forceinline__ void amax_tensor(const T* x, int rows, int columns, uint32_t* amax) {
  __shared__ uint32_t of_warps[kAmaxWarps];
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  const int row = static_cast<int>(blockIdx.y) * kAmaxRows + warp * kAmaxRowsOfWarp;
  Eight<T> most = {};
  each_row(x, rows, columns, row, static_cast<int>(blockIdx.x) * kAmaxColumns + 8 * lane, [&](int, const Eight<T>& e) { most.raise(e); });
  const uint32_t of_warp = __reduce_max_sync(reduce::kFullWarp, most.largest());
  if (lane == 0) of_warps[warp] = of_warp;
  __syncthreads();
  if (warp > 0) return;
  const uint32_t all = __reduce_max_sync(reduce::kFullWarp, lane < kAmaxWarps ? of_warps[lane] : 0);
  if (lane == 0) atomicMax(amax, all);
}

// Raises of_rows [rows] and of_columns [columns], which were 0.
template <typename T>
__device__ __forceinline__ void amax_rows(const T* x, int rows, int columns, uint32_t* of_rows, uint32_t* of_columns) {
  __shared__ uint32_t of_warps[kAmaxWarps][kAmaxColumns];
  const int thread = static_cast<int>(threadIdx.x), lane = thread % 32, warp = thread / 32;
  const int row = static_cast<int>(blockIdx.y) * kAmaxRows + warp * kAmaxRowsOfWarp;
  const int first_column = static_cast<int>(blockIdx.x) * kAmaxColumns;
  Eight<T> most = {};
  uint32_t mine = 0;   // of row `lane` of the warp's
  each_row(x, rows, columns, row, first_column + 8 * lane, [&](int i, const Eight<T>& e) {
    most.raise(e);
    const uint32_t of_row = __reduce_max_sync(reduce::kFullWarp, e.largest());
    if (lane == i) mine = of_row;
  });
  if (lane < kAmaxRowsOfWarp && row + lane < rows) atomicMax(of_rows + row + lane, mine);
  uint32_t of_lane[8];
  most.columns(of_lane);
#pragma unroll
  for (int i = 0; i < 2; i++) {
    *reinterpret_cast<uint4*>(&of_warps[warp][8 * lane + 4 * i]) =
        make_uint4(of_lane[4 * i], of_lane[4 * i + 1], of_lane[4 * i + 2], of_lane[4 * i + 3]);
  }
  __syncthreads();
  if (first_column + thread >= columns) return;
  uint32_t of_column = 0;
#pragma unroll
  for (int i = 0; i < kAmaxWarps; i++) of_column = max(of_column, of_warps[i][thread]);
  atomicMax(of_columns + first_column + thread, of_column);
}

}  // namespace train_float8
