// From device memory to shared memory: stages of 128 bytes of K of X for each share of K of a block, by cp.async.
#pragma once

#include "../gemm_decode/layout.cuh"
#include "../gemm_int4/layout.cuh"
#include "../gemm_prefill/tiling.cuh"
#include "ptx.cuh"
#include "types.cuh"

namespace gemm_portable {

constexpr int kChunkBytes = 128;            // bytes of K of a row of X in a chunk; a row in shared memory
constexpr int kStageRoom = 96 * 1024;       // what every device from 8.0 on gives a block, less a little

// Warps along the rows of W, the rows of X, and K; tiles of 16 rows of W and of 8 rows of X a warp.
template <int kWWarps_, int kXWarps_, int kKWarps_, int kWTiles_, int kXTiles_>
struct Shape {
  static constexpr int kWWarps = kWWarps_, kXWarps = kXWarps_, kKWarps = kKWarps_, kWTiles = kWTiles_, kXTiles = kXTiles_;
  static constexpr int kW = 16 * kWWarps * kWTiles, kX = 8 * kXWarps * kXTiles;
  static constexpr int kThreads = 32 * kWWarps * kXWarps * kKWarps;
  static constexpr int kPitch = kW + 4;     // floats between two rows of X of the sums in shared memory: 4 modulo 16
};
using Decode16 = Shape<2, 1, 4, 1, 2>;
using Decode64 = Shape<2, 1, 4, 1, 8>;
using Prefill = Shape<2, 4, 1, 4, 4>;

// How W lies in device memory; its int4 tiles follow from the types.
enum class Weights { kRows, kPrefillTiles };

// A strip of int4 weights in shared memory: 16 rows, 64 columns (16-bit X) or 128 (8-bit X). Codes, scales and zero points of a group
// follow one another as in a tile.
template <typename Types>
struct Strip {
  static constexpr int kColumns = kChunkBytes / Types::kXBytes, kHalves = kColumns / 64, kGroups = kColumns / 32;
  static constexpr int kCodes = 512 * kHalves, kScales = kCodes, kZeros = kScales + 32 * kGroups, kBytes = kZeros + 16 * kGroups;
};

template <typename Types, typename S, Weights kWeights_ = Weights::kRows>
struct Config {
  using T = Types;
  using Sum = typename Types::Sum;
  using Tile = S;
  static constexpr Weights kWeights = kWeights_;
  static constexpr int kXBytes = S::kX * kChunkBytes;
  static constexpr int kWBytes = Types::kInt4 ? S::kW / 16 * Strip<Types>::kBytes : S::kW * kChunkBytes;
  static constexpr int kShareBytes = kXBytes + kWBytes, kStageBytes = S::kKWarps * kShareBytes;
  static constexpr int kStages = kStageRoom / kStageBytes < 6 ? kStageRoom / kStageBytes : 6;
  static constexpr int kSumBytes = S::kKWarps * S::kX * S::kPitch * 4;
  static constexpr int kBytes = kStages * kStageBytes > kSumBytes ? kStages * kStageBytes : kSumBytes;
  // A multiprocessor should hold at least that many: registers are what limits block scales and prefill to one.
  static constexpr int kBlocks = S::kKWarps == 1 || (Types::kScaling == Scaling::kBlocks && S::kXTiles > 2) ? 1 : 2;
  static_assert(kStages >= 2 && kBytes <= 99 * 1024, "shared memory");
};

// A block's part of a problem: rows first_x .. end_x - 1 of X at most, rows of W from first_w on.
struct Part {
  int first_x, end_x, first_w;
};

// Copies rows of X, and of W if it has rows, of the shares' chunks first_chunk, + 1, ... Rows that do not exist keep what was there: a
// row of an operand reaches only its own sums. What lies beyond K is zero.
template <typename C>
__device__ __forceinline__ void copy_x(const gemm_decode::Problem& p, const Part& part, int first_chunk, uint32_t to) {
  constexpr int kShares = C::Tile::kKWarps;
  const int k_bytes = p.k * C::T::kXBytes;
#pragma unroll
  for (int i = static_cast<int>(threadIdx.x); i < kShares * C::Tile::kX * 8; i += C::Tile::kThreads) {
    const int piece = i % 8, share = i / 8 % kShares, row = i / 8 / kShares;
    const int at = (first_chunk + share) * kChunkBytes + piece * 16, bytes = at < k_bytes ? 16 : 0;
    if (part.first_x + row >= part.end_x) continue;
    const uint8_t* from = p.x + static_cast<long long>(part.first_x + row) * k_bytes + (bytes > 0 ? at : 0);
    ptx::copy_16(to + share * C::kShareBytes + row * kChunkBytes + (piece ^ (row & 7)) * 16, from, bytes);
  }
}

// Neighbouring rows 2 g and 2 g + 1 are rows g and g + 8 of an mma: eight rows that are loaded together are two apart.
template <typename C>
__device__ __forceinline__ void copy_w(const gemm_decode::Problem& p, const Part& part, int first_chunk, uint32_t to) {
  constexpr int kShares = C::Tile::kKWarps;
  const int k_bytes = p.k * C::T::kXBytes, chunks = (k_bytes + kChunkBytes - 1) / kChunkBytes;
#pragma unroll
  for (int i = static_cast<int>(threadIdx.x); i < kShares * C::Tile::kW * 8; i += C::Tile::kThreads) {
    const int piece = i % 8, share = i / 8 % kShares, row = i / 8 / kShares;
    const int chunk = first_chunk + share, w_row = part.first_w + row;
    const int at = chunk * kChunkBytes + piece * 16, bytes = at < k_bytes ? 16 : 0;
    if (w_row >= p.n) continue;
    const uint8_t* from = p.w;
    if (C::kWeights == Weights::kRows) {
      from += static_cast<long long>(w_row) * k_bytes + (bytes > 0 ? at : 0);
    } else if (bytes > 0) {
      from += (static_cast<long long>(w_row / 128) * chunks + chunk) * gemm_prefill::kBlockBytes + w_row % 128 * kChunkBytes +
              (piece ^ (w_row & 7)) * 16;
    }
    ptx::copy_16(to + share * C::kShareBytes + row * kChunkBytes + (piece ^ (row / 2 & 7)) * 16, from, bytes);
  }
}

// The same for strips of int4 weights; blocks of 128 x 128 are whole, with zeros behind N and K.
template <typename C>
__device__ __forceinline__ void copy_strips(const gemm_decode::Problem& p, const Part& part, int group, bool asymmetric,
                                            int first_chunk, uint32_t to) {
  using S = Strip<typename C::T>;
  constexpr int kShares = C::Tile::kKWarps, kPieces = S::kBytes / 16, kStrips = C::Tile::kW / 16;
  const int blocks = (p.k + 127) / 128, chunks = (p.k + S::kColumns - 1) / S::kColumns;
  const int groups = group < S::kColumns ? S::kColumns / group : 1;
  for (int i = static_cast<int>(threadIdx.x); i < kShares * kStrips * kPieces; i += C::Tile::kThreads) {
    const int piece = i % kPieces, strip = i / kPieces % kStrips, share = i / kPieces / kStrips;
    const int chunk = first_chunk + share, row = part.first_w + 16 * strip, column = chunk * S::kColumns;
    if (chunk >= chunks || row >= p.n) continue;
    const uint8_t* from = p.w + (static_cast<long long>(row / 128) * blocks + column / 128) * gemm_int4::block_bytes(group, asymmetric);
    const int first_group = column % 128 / group;
    if (piece < S::kCodes / 16) {
      const int half = column % 128 / 64 + piece / 32;
      from += ((row % 128 / 64 * 2 + half) * 128 + row % 64 / 16 * 32 + piece % 32) * 16;
    } else if (piece < S::kZeros / 16) {
      const int at = piece - S::kScales / 16;
      if (at / 2 >= groups) continue;
      from += gemm_int4::kCodeBytes + ((first_group + at / 2) * 128 + row % 128) * 2 + at % 2 * 16;
    } else {
      const int at = piece - S::kZeros / 16;
      if (!asymmetric || at >= groups) continue;
      from += gemm_int4::kCodeBytes + gemm_int4::scale_bytes(group) + (first_group + at) * 128 + row % 128;
    }
    ptx::copy_16(to + share * C::kShareBytes + strip * S::kBytes + piece * 16, from, 16);
  }
}

}  // namespace gemm_portable
