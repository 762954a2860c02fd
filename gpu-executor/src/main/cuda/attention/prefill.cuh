// Causal attention of whole sequences: tiles of queries against tiles of keys, softmax on the way.
#pragma once

#include "mma_bf16.cuh"
#include "numbers.cuh"
#include "ptx.cuh"
#include "reduce.cuh"

namespace attention {

constexpr int kPrefillWarps = 4;
constexpr int kPrefillThreads = 32 * kPrefillWarps;
constexpr int kQueryRows = 16 * kPrefillWarps;

struct PrefillArguments {
  const __nv_bfloat16* q;  // [tokens, q_heads, head_dim], rows `stride` elements apart; k and v likewise with kv_heads
  const __nv_bfloat16* k;
  const __nv_bfloat16* v;
  __nv_bfloat16* out;     // [tokens, q_heads, head_dim]
  const int* boundaries;  // [sequences + 1]: sequence i is tokens boundaries[i] .. boundaries[i + 1] - 1
  const int* prefixes;    // [sequences, 2], or null: where the tokens before a sequence's own begin, and how many they are
  int q_heads, kv_heads, stride;
  float scale;  // of q k, times log2(e)
};

template <int kDim>
struct PrefillTile {
  static constexpr int kKeys = kDim == 256 ? 32 : 64;
  static constexpr int kStride = kDim + 8;  // elements a row in shared memory: an odd number of 16-byte units, no conflicts
  static constexpr int kSteps = kDim / 16;
  static constexpr bool kHoldQ = kDim < 256;
  static constexpr int kBlocks = kDim == 256 ? 2 : 3;  // on a multiprocessor

  // Copies `rows` rows of kDim elements; those below `moved` lie `away` rows from their place, those from `valid` on become
  // zeros.
  __device__ __forceinline__ static void load(uint32_t to, const __nv_bfloat16* from, int stride, int rows, int valid, int moved,
                                              int away) {
#pragma unroll 2  // More would need more registers than three blocks leave.
    for (int i = threadIdx.x; i < rows * (kDim / 8); i += kPrefillThreads) {
      const int row = i / (kDim / 8), unit = i % (kDim / 8);
      const bool inside = row < valid;
      const long long place = row + (row < moved ? away : 0);
      const __nv_bfloat16* at = from + (inside ? place * stride + 8 * unit : 0);
      ptx::copy_16(to + 2 * (row * kStride + 8 * unit), at, inside ? 16 : 0);
    }
    ptx::copy_commit();
  }

  // This lane's address for the four matrices of a 16 x 16 piece: first two below each other, then their right neighbours.
  __device__ __forceinline__ static uint32_t piece(uint32_t base, int row, int column) {
    const int lane = threadIdx.x % 32;
    return base + 2 * ((row + lane % 16) * kStride + column + lane / 16 * 8);
  }

  // The same with the first two beside each other: the right operand from rows of keys.
  __device__ __forceinline__ static uint32_t piece_across(uint32_t base, int row, int column) {
    const int lane = threadIdx.x % 32;
    return base + 2 * ((row + lane % 8 + lane / 16 * 8) * kStride + column + lane / 8 % 2 * 8);
  }
};

// A warp's 16 rows of queries; a lane has its share of rows g and g + 8.
template <int kDim>
struct PrefillRows {
  using Tile = PrefillTile<kDim>;
  static constexpr int kKeyTiles = Tile::kKeys / 8;
  float sums[kDim / 8][4] = {};
  float largest[2] = {-INFINITY, -INFINITY};
  float total[2] = {};

  __device__ __forceinline__ static void scores(float (&s)[kKeyTiles][4],
                                                const uint32_t (&held)[Tile::kHoldQ ? Tile::kSteps : 1][4], uint32_t queries,
                                                uint32_t keys) {
#pragma unroll
    for (int step = 0; step < Tile::kSteps; step++) {
      uint32_t a[4];
      if constexpr (Tile::kHoldQ) {
#pragma unroll
        for (int i = 0; i < 4; i++) a[i] = held[step][i];
      } else {
        ptx::load_matrices(a, Tile::piece(queries, 0, 16 * step));
      }
#pragma unroll
      for (int tile = 0; tile < kKeyTiles; tile += 2) {
        uint32_t b[4];
        ptx::load_matrices(b, Tile::piece_across(keys, 8 * tile, 16 * step));
        tensor_core::mma(s[tile], a, b[0], b[1]);
        tensor_core::mma(s[tile + 1], a, b[2], b[3]);
      }
    }
  }

  // s becomes exp2(scale s - largest); what was summed before is brought to the new largest.
  __device__ __forceinline__ void soften(float (&s)[kKeyTiles][4], float scale, bool masked, int first_key, int first_row) {
    const int g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
    float top[2] = {largest[0], largest[1]};
#pragma unroll
    for (int tile = 0; tile < kKeyTiles; tile++) {
#pragma unroll
      for (int i = 0; i < 4; i++) {
        const bool hidden = masked && first_key + 8 * tile + 2 * t + i % 2 > first_row + g + 8 * (i / 2);
        s[tile][i] = hidden ? -INFINITY : __fmul_rn(s[tile][i], scale);
        top[i / 2] = fmaxf(top[i / 2], s[tile][i]);
      }
    }
#pragma unroll
    for (int r = 0; r < 2; r++) {
      top[r] = reduce::over_lanes<reduce::Max, 4>(top[r]);
      const float base = top[r] == -INFINITY ? 0.0f : top[r];
      const float factor = reduce::exp2_fast(__fsub_rn(largest[r], base));
      largest[r] = top[r];
      total[r] = __fmul_rn(total[r], factor);
#pragma unroll
      for (int d = 0; d < kDim / 8; d++) {
        sums[d][2 * r] = __fmul_rn(sums[d][2 * r], factor);
        sums[d][2 * r + 1] = __fmul_rn(sums[d][2 * r + 1], factor);
      }
#pragma unroll
      for (int tile = 0; tile < kKeyTiles; tile++) {
#pragma unroll
        for (int i = 2 * r; i < 2 * r + 2; i++) {
          s[tile][i] = reduce::exp2_fast(__fsub_rn(s[tile][i], base));
          total[r] = __fadd_rn(total[r], s[tile][i]);
        }
      }
    }
  }

  __device__ __forceinline__ void add_values(const float (&s)[kKeyTiles][4], uint32_t vectors) {
#pragma unroll
    for (int step = 0; step < Tile::kKeys / 16; step++) {
      const uint32_t a[4] = {numbers::floats_to_bf16x2(s[2 * step][0], s[2 * step][1]),
                             numbers::floats_to_bf16x2(s[2 * step][2], s[2 * step][3]),
                             numbers::floats_to_bf16x2(s[2 * step + 1][0], s[2 * step + 1][1]),
                             numbers::floats_to_bf16x2(s[2 * step + 1][2], s[2 * step + 1][3])};
#pragma unroll
      for (int d = 0; d < kDim / 8; d += 2) {
        uint32_t b[4];
        ptx::load_transposed(b, Tile::piece(vectors, 16 * step, 8 * d));
        tensor_core::mma(sums[d], a, b[0], b[1]);
        tensor_core::mma(sums[d + 1], a, b[2], b[3]);
      }
    }
  }

  // Rows below `valid` of the warp's 16, through the warp's own rows of shared memory.
  __device__ __forceinline__ void write(__nv_bfloat16* staged, __nv_bfloat16* out, long long stride, int valid) {
    const int lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
    __syncwarp();
#pragma unroll
    for (int r = 0; r < 2; r++) {
      const float all = reduce::over_lanes<reduce::Sum, 4>(total[r]);
#pragma unroll
      for (int d = 0; d < kDim / 8; d++) {
        const float x = __fdiv_rn(sums[d][2 * r], all), y = __fdiv_rn(sums[d][2 * r + 1], all);
        *reinterpret_cast<uint32_t*>(staged + (g + 8 * r) * Tile::kStride + 8 * d + 2 * t) = numbers::floats_to_bf16x2(x, y);
      }
    }
    __syncwarp();
    for (int i = lane; i < 16 * (kDim / 8); i += 32) {
      const int row = i / (kDim / 8), unit = i % (kDim / 8);
      if (row < valid) {
        *reinterpret_cast<uint4*>(out + row * stride + 8 * unit) =
            *reinterpret_cast<const uint4*>(staged + row * Tile::kStride + 8 * unit);
      }
    }
  }
};

// Grid (tiles of 64 queries of the longest sequence, q_heads, sequences); the tiles with most keys come first.
// Shared memory: (64 + 2 keys a tile) * (kDim + 8) elements.
template <int kDim>
__device__ __forceinline__ void prefill(const PrefillArguments& a) {
  using Tile = PrefillTile<kDim>;
  extern __shared__ __align__(16) unsigned char shared[];
  __nv_bfloat16* staged = reinterpret_cast<__nv_bfloat16*>(shared);
  const uint32_t queries = ptx::shared_address(shared);
  const uint32_t keys = queries + 2 * kQueryRows * Tile::kStride, vectors = keys + 2 * Tile::kKeys * Tile::kStride;
  const int warp = threadIdx.x / 32, head = blockIdx.y, kv_head = head / (a.q_heads / a.kv_heads);
  reduce::release_successor();
  reduce::wait_for_predecessor();
  const long long origin = a.boundaries[blockIdx.z];
  const int length = a.boundaries[blockIdx.z + 1] - static_cast<int>(origin);
  const int first = (gridDim.x - 1 - blockIdx.x) * kQueryRows;
  if (first >= length) return;
  // Keys and values count from the first token before the sequence's own, which lies `away` rows from where it would without.
  const int before = a.prefixes == nullptr ? 0 : a.prefixes[2 * blockIdx.z + 1];
  const int away = before == 0 ? 0 : a.prefixes[2 * blockIdx.z] - static_cast<int>(origin) + before;
  const __nv_bfloat16* k = a.k + (origin - before) * a.stride + kv_head * kDim;
  const __nv_bfloat16* v = a.v + (origin - before) * a.stride + kv_head * kDim;
  const long long key_step = static_cast<long long>(Tile::kKeys) * a.stride;
  const int known = before + length, tiles = (before + min(first + kQueryRows, length) + Tile::kKeys - 1) / Tile::kKeys;

  Tile::load(queries, a.q + (origin + first) * a.stride + head * kDim, a.stride, kQueryRows, length - first, 0, 0);
  Tile::load(keys, k, a.stride, Tile::kKeys, known, before, away);
  const uint32_t own_queries = queries + 2 * warp * 16 * Tile::kStride;
  uint32_t held[Tile::kHoldQ ? Tile::kSteps : 1][4];
  PrefillRows<kDim> rows;
  for (int tile = 0; tile < tiles; tile++) {
    const int first_key = tile * Tile::kKeys;
    ptx::copy_wait<0>();
    __syncthreads();  // The keys are there, and nobody reads the old values any more.
    Tile::load(vectors, v + tile * key_step, a.stride, Tile::kKeys, known - first_key, before - first_key, away);
    if constexpr (Tile::kHoldQ) {
      if (tile == 0) {
#pragma unroll
        for (int step = 0; step < Tile::kSteps; step++) ptx::load_matrices(held[step], Tile::piece(own_queries, 0, 16 * step));
      }
    }
    float s[PrefillRows<kDim>::kKeyTiles][4] = {};
    PrefillRows<kDim>::scores(s, held, own_queries, keys);
    ptx::copy_wait<0>();
    __syncthreads();  // The values are there, and nobody reads these keys any more.
    if (tile + 1 < tiles) {
      const int next = first_key + Tile::kKeys;
      Tile::load(keys, k + (tile + 1) * key_step, a.stride, Tile::kKeys, known - next, before - next, away);
    }
    const int first_row = before + first + 16 * warp;
    rows.soften(s, a.scale, first_key + Tile::kKeys - 1 > first_row, first_key, first_row);
    rows.add_values(s, vectors);
  }
  rows.write(staged + warp * 16 * Tile::kStride,
             a.out + ((origin + first + 16 * warp) * a.q_heads + head) * kDim,
             static_cast<long long>(a.q_heads) * kDim, length - first - 16 * warp);
}

}  // namespace attention
