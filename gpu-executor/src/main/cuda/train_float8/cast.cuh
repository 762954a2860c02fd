// A matrix to fp8 codes, once by rows and once transposed, both in the tiled order of gemm_prefill/tiling.cuh, from one read.
//
// A block makes the tile of 128 x 128 numbers. Thread t has rows 4 (t / 8) .. + 3 and columns 16 (t % 8) .. + 15 of it: 16 codes of a
// row are what the tiled order keeps together, and 4 x 4 codes are transposed in registers on their way through shared memory to
// 16 codes of a column.
#pragma once

#include <cstdint>

#include <cuda_bf16.h>

#include "../gemm_prefill/tiling.cuh"
#include "numbers.cuh"

namespace train_float8 {

constexpr int kCastThreads = 256, kTile = 128;
static_assert(gemm_prefill::kRows == kTile && gemm_prefill::kRowBytes == kTile, "a block makes a block of tiles");

// Of gradients and of all else.
struct E5m2 {
  static constexpr float kLargest = 57344.0f;
  static __device__ __forceinline__ uint32_t pair(float low, float high) { return numbers::floats_to_e5m2x2(low, high); }
};
struct E4m3 {
  static constexpr float kLargest = 448.0f;
  static __device__ __forceinline__ uint32_t pair(float low, float high) { return numbers::floats_to_e4m3x2(low, high); }
};

// What numbers of a largest magnitude (bits of fp32) are multiplied by; sums of products are divided by it. A row of zeros has that
// of kLeast; infinity and NaN make everything NaN that is computed from the row.
template <typename Format>
__device__ __forceinline__ float multiplier(uint32_t amax) {
  constexpr float kLeast = 1e-12f;
  const float magnitude = __uint_as_float(amax);
  return __fdiv_rn(Format::kLargest, magnitude < kLeast ? kLeast : magnitude);
}

// Sixteen numbers of a row.
template <typename T>
struct Sixteen;

template <>
struct Sixteen<__nv_bfloat16> {
  uint4 words[2];
  __device__ __forceinline__ void load(const __nv_bfloat16* from) {
    words[0] = reinterpret_cast<const uint4*>(from)[0], words[1] = reinterpret_cast<const uint4*>(from)[1];
  }
  // Numbers 4 i .. 4 i + 3.
  __device__ __forceinline__ float4 four(int i) const {
    const uint4& half = words[i / 2];
    const uint32_t low = i % 2 == 0 ? half.x : half.z, high = i % 2 == 0 ? half.y : half.w;
    return make_float4(numbers::bf16x2_low(low), numbers::bf16x2_high(low), numbers::bf16x2_low(high), numbers::bf16x2_high(high));
  }
};

template <>
struct Sixteen<float> {
  float4 fours[4];
  __device__ __forceinline__ void load(const float* from) {
#pragma unroll
    for (int i = 0; i < 4; i++) fours[i] = reinterpret_cast<const float4*>(from)[i];
  }
  __device__ __forceinline__ float4 four(int i) const { return fours[i]; }
};

template <typename Format>
__device__ __forceinline__ uint32_t codes(float4 x, float4 by) {
  return Format::pair(__fmul_rn(x.x, by.x), __fmul_rn(x.y, by.y)) | Format::pair(__fmul_rn(x.z, by.z), __fmul_rn(x.w, by.w)) << 16;
}

// Byte j of word i becomes byte i of word j.
__device__ __forceinline__ void transpose_bytes(uint32_t (&words)[4]) {
  const uint32_t low01 = __byte_perm(words[0], words[1], 0x5140), low23 = __byte_perm(words[2], words[3], 0x5140);
  const uint32_t high01 = __byte_perm(words[0], words[1], 0x7362), high23 = __byte_perm(words[2], words[3], 0x7362);
  words[0] = __byte_perm(low01, low23, 0x5410), words[1] = __byte_perm(low01, low23, 0x7632);
  words[2] = __byte_perm(high01, high23, 0x5410), words[3] = __byte_perm(high01, high23, 0x7632);
}

// amax and scales: of rows and of columns, or, without kRowwise, of the tensor in the first place of `of_rows` alone. Scales are what sums of
// products are multiplied by.
struct Casting {
  int rows, columns;
  const uint32_t* amax_of_rows;
  const uint32_t* amax_of_columns;
  uint8_t* by_rows;
  uint8_t* by_columns;
  float* scales_of_rows;
  float* scales_of_columns;
};

struct CastMemory {
  uint32_t turned[kTile * kTile / 4];   // codes of a column: word (row / 4), its upper bits XORed with column / 16 against bank conflicts
  float multipliers[2][kTile];          // of rows, of columns
};

// Of the tile's rows and columns to shared memory; the first tile of each row and column stores its scales.
template <typename Format, bool kRowwise>
__device__ __forceinline__ void find_multipliers(const Casting& p, int row_tile, int column_tile, CastMemory& memory) {
  const int thread = static_cast<int>(threadIdx.x), side = thread / kTile, inside = thread % kTile;
  const int at = (side == 0 ? row_tile : column_tile) * kTile + inside, count = side == 0 ? p.rows : p.columns;
  if constexpr (kRowwise) {
    const uint32_t* amax = side == 0 ? p.amax_of_rows : p.amax_of_columns;
    const float by = at < count ? multiplier<Format>(amax[at]) : 0.0f;
    memory.multipliers[side][inside] = by;
    if (at < count && (side == 0 ? column_tile : row_tile) == 0) (side == 0 ? p.scales_of_rows : p.scales_of_columns)[at] = __frcp_rn(by);
  } else {
    const float by = multiplier<Format>(p.amax_of_rows[0]);
    memory.multipliers[side][inside] = by;
    if (row_tile == 0 && column_tile == 0 && thread == 0) p.scales_of_rows[0] = __frcp_rn(by);
  }
}

template <typename Format, typename T, bool kRowwise>
__device__ __forceinline__ void cast(const T* x, const Casting& p) {
  __shared__ __align__(16) CastMemory memory;
  // Backwards: what the pass before read last is still in L2.
  const int row_tiles = static_cast<int>(gridDim.y), column_tiles = static_cast<int>(gridDim.x);
  const int row_tile = row_tiles - 1 - static_cast<int>(blockIdx.y), column_tile = column_tiles - 1 - static_cast<int>(blockIdx.x);
  const int thread = static_cast<int>(threadIdx.x), c = thread % 8, group = thread / 8;
  const int row = row_tile * kTile + 4 * group, column = column_tile * kTile + 16 * c;
  Sixteen<T> numbers[4] = {};
#pragma unroll
  for (int i = 0; i < 4; i++) {
    if (row + i < p.rows && column < p.columns) numbers[i].load(x + static_cast<long long>(row + i) * p.columns + column);
  }
  find_multipliers<Format, kRowwise>(p, row_tile, column_tile, memory);
  __syncthreads();
  uint32_t of_rows[4][4];
#pragma unroll
  for (int four = 0; four < 4; four++) {
    uint32_t turned[4];
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const float by = memory.multipliers[0][4 * group + i];
      of_rows[i][four] = codes<Format>(numbers[i].four(four), make_float4(by, by, by, by));
      turned[i] = kRowwise ? codes<Format>(numbers[i].four(four), *reinterpret_cast<const float4*>(&memory.multipliers[1][16 * c + 4 * four]))
                           : of_rows[i][four];
    }
    transpose_bytes(turned);
#pragma unroll
    for (int i = 0; i < 4; i++) memory.turned[(16 * c + 4 * four + i) * (kTile / 4) + ((group / 4 ^ c) * 4 | group % 4)] = turned[i];
  }
  uint4* to = reinterpret_cast<uint4*>(p.by_rows + (static_cast<long long>(row_tile) * column_tiles + column_tile) * gemm_prefill::kBlockBytes);
#pragma unroll
  for (int i = 0; i < 4; i++) {
    const int at = 4 * group + i;
    to[at * 8 + (c ^ (at & 7))] = make_uint4(of_rows[i][0], of_rows[i][1], of_rows[i][2], of_rows[i][3]);
  }
  __syncthreads();
  to = reinterpret_cast<uint4*>(p.by_columns + (static_cast<long long>(column_tile) * row_tiles + row_tile) * gemm_prefill::kBlockBytes);
#pragma unroll
  for (int i = 0; i < 4; i++) {
    const int at = (thread + i * kCastThreads) / 8;
    to[at * 8 + (c ^ (at & 7))] = *reinterpret_cast<const uint4*>(&memory.turned[at * (kTile / 4) + (c ^ at / 16) * 4]);
  }
}

}  // namespace train_float8
