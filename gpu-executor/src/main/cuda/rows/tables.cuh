// Rows of embedding tables by token id, and int4 codes of a table.
#pragma once

#include "convert.cuh"

namespace rows {

constexpr int kTableThreads = 128;
constexpr int kGroup = 128;

// Where 16 bytes of a row lie in the layout of gemm_decode/layout.cuh.
__device__ __forceinline__ const uint4* piece_of_tiles(const uint8_t* tiles, int row, int piece, int row_pieces, int tile_rows) {
  if (tile_rows == 0) return reinterpret_cast<const uint4*>(tiles) + static_cast<long long>(row) * row_pieces + piece;
  const int blocks = (row_pieces + 7) / 8, inside = row % tile_rows;
  const long long block = static_cast<long long>(row / tile_rows) * blocks + piece / 8;
  return reinterpret_cast<const uint4*>(tiles) + (block * tile_rows + inside) * 8 + (piece % 8 ^ inside % 8);
}

__device__ __forceinline__ bool is_known(int id, int vocabulary) { return id >= 0 && id < vocabulary; }

__device__ __forceinline__ void of_tiles_bf16(const uint8_t* tiles, const int* ids, uint4* y, int vocabulary, int k, int tile_rows) {
  const int pieces = k / 8;
  const long long row = blockIdx.x;
  reduce::release_successor();
  reduce::wait_for_predecessor();
  const int id = ids[row];
  for (int at = static_cast<int>(threadIdx.x); at < pieces; at += kTableThreads) {
    constexpr uint32_t kNan = 0x7FC07FC0u;
    y[row * pieces + at] = is_known(id, vocabulary) ? *piece_of_tiles(tiles, id, at, pieces, tile_rows) : uint4{kNan, kNan, kNan, kNan};
  }
}

__device__ __forceinline__ void of_tiles_int8(const uint8_t* tiles, const float* scales, const int* ids, __nv_bfloat16* y, int vocabulary,
                                              int k, int tile_rows) {
  const int pieces = k / 16;
  const long long row = blockIdx.x;
  reduce::release_successor();
  reduce::wait_for_predecessor();
  const int id = ids[row];
  const bool known = is_known(id, vocabulary);
  const float factor = known ? scales[id] : __int_as_float(0x7FC00000);
  for (int at = static_cast<int>(threadIdx.x); at < pieces; at += kTableThreads) {
    const uint4 codes = known ? *piece_of_tiles(tiles, id, at, pieces, tile_rows) : uint4{};
    const uint2 halves[2] = {{codes.x, codes.y}, {codes.z, codes.w}};
#pragma unroll
    for (int half = 0; half < 2; half++) {
      float values[8];
      unpack_int8(halves[half], values);
#pragma unroll
      for (int i = 0; i < 8; i++) values[i] = __fmul_rn(values[i], factor);
      reduce::store8(y, (row * pieces + at) * 2 + half, reduce::pack(values));
    }
  }
}

__device__ __forceinline__ void of_int4(const uint32_t* codes, const __nv_bfloat16* scales, const int* ids, __nv_bfloat16* y, int vocabulary,
                                        int k) {
  const int words = k / 8;
  const long long row = blockIdx.x;
  reduce::release_successor();
  reduce::wait_for_predecessor();
  const int id = ids[row];
  const bool known = is_known(id, vocabulary);
  for (int at = static_cast<int>(threadIdx.x); at < words; at += kTableThreads) {
    float values[8];
    const float factor =
        known ? __bfloat162float(scales[static_cast<long long>(id) * (k / kGroup) + at / (kGroup / 8)]) : __int_as_float(0x7FC00000);
    const uint32_t word = known ? codes[static_cast<long long>(id) * words + at] : 0;
#pragma unroll
    for (int i = 0; i < 8; i++) values[i] = __fmul_rn(static_cast<float>(static_cast<int>(word >> 4 * i & 15) - 8), factor);
    reduce::store8(y, row * words + at, reduce::pack(values));
  }
}

__device__ __forceinline__ void int4_groups(const __nv_bfloat16* weights, uint32_t* codes, __nv_bfloat16* scales, long long groups) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const long long group = static_cast<long long>(blockIdx.x) * (kThreads / 32) + threadIdx.x / 32;
  if (group >= groups) return;
  float values[4], largest = 0.0f;
#pragma unroll
  for (int i = 0; i < 4; i++) {
    values[i] = __bfloat162float(weights[group * kGroup + 4 * lane + i]);
    largest = fmaxf(largest, fabsf(values[i]));
  }
  largest = reduce::over_warp<reduce::Max>(largest);
  constexpr float kEpsilon = 0.0078125f;
  const float scale = largest == 0.0f ? kEpsilon : reduce::round_to_bf16(__fdiv_rn(largest, 7.5f));
  uint32_t word = 0;
#pragma unroll
  for (int i = 0; i < 4; i++) {
    const float position = fminf(fmaxf(rintf(__fdiv_rn(values[i], scale)), -8.0f), 7.0f);
    word |= static_cast<uint32_t>(static_cast<int>(position) + 8) << 4 * i;
  }
  word |= __shfl_down_sync(reduce::kFullWarp, word, 1) << 16;
  if (lane % 2 == 0) codes[group * (kGroup / 8) + lane / 2] = word;
  if (lane == 0) scales[group] = __float2bfloat16_rn(scale);
}

}  // namespace rows
