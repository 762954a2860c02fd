// From device memory to shared memory: stages of 128 bytes of K of X for each share of K of a block, by cp.async.
#pragma once

#include "../gemm_int4/layout.cuh"
#include "../gemm_prefill/tiling.cuh"
#include "output.cuh"
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
// Decoding: 32 rows of W a block, by one warp a share of K where converting X costs (each warp converts all of it), else by two.
template <typename Types>
using Decode16 = std::conditional_t<Types::kMmas == 2, Shape<1, 1, 4, 2, 2>, Shape<2, 1, 4, 1, 2>>;
template <typename Types>
using Decode64 = std::conditional_t<Types::kMmas == 2 || Types::kInt4, Shape<1, 1, 4, 2, 8>, Shape<2, 1, 4, 1, 8>>;
template <typename Types>
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
  // A multiprocessor should hold at least that many: two sets of sums leave registers for one.
  static constexpr int kBlocks = Types::kScaling != Scaling::kTensorOrRow && S::kXTiles > 2 ? 1 : 2;
  static_assert(kStages >= 2 && kBytes <= kStageRoom, "shared memory");
};

// A block's part of a problem: rows first_x .. end_x - 1 of X at most, rows of W from first_w on.
struct Part {
  int first_x, end_x, first_w;
};

// Copies rows of X of the shares' chunks first_chunk, + 1, ... Rows that do not exist keep what was there: a row of an operand
// reaches only its own sums. What lies beyond K is zero.
template <typename C>
__device__ __forceinline__ void copy_x(const Problem& p, const Part& part, int first_chunk, uint32_t to) {
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

// Rows of W. Neighbouring rows 2 g and 2 g + 1 are rows g and g + 8 of an mma: eight rows that are loaded together are two apart.
template <typename C>
struct Rows {
  const Problem& p;
  const Part& part;

  __device__ __forceinline__ Rows(const Problem& p_, const Part& part_) : p(p_), part(part_) {}

  __device__ __forceinline__ void copy(int first_chunk, uint32_t to) const {
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
};

// The pieces of 16 bytes that a thread copies of strips of int4 weights: their places are worked out once. Blocks of 128 x 128 are
// whole, with zeros behind N and K.
template <typename C>
struct StripPieces {
  using S = Strip<typename C::T>;
  static constexpr int kShares = C::Tile::kKWarps, kStrips = C::Tile::kW / 16, kPieces = S::kBytes / 16;
  static constexpr int kCount = (kShares * kStrips * kPieces + C::Tile::kThreads - 1) / C::Tile::kThreads;
  const uint8_t* from[kCount];   // in the first block of K; null: nothing to copy
  int half[kCount];              // from the first 64 columns of a block to the others
  int share[kCount];
  uint32_t to[kCount];
  int block, chunks;

  __device__ __forceinline__ StripPieces(const Problem& p, const Part& part)
      : block(gemm_int4::block_bytes(p.group, (p.flags & kAsymmetric) != 0)), chunks((p.k + S::kColumns - 1) / S::kColumns) {
    const bool asymmetric = (p.flags & kAsymmetric) != 0;
    const long long row_of_blocks = static_cast<long long>((p.k + 127) / 128) * block;
#pragma unroll
    for (int i = 0; i < kCount; i++) {
      const int at = static_cast<int>(threadIdx.x) + i * C::Tile::kThreads, strip = at / kPieces % kStrips, row = part.first_w + 16 * strip;
      share[i] = at / kPieces / kStrips;
      to[i] = share[i] * C::kShareBytes + strip * S::kBytes + at % kPieces * 16;
      const int offset = place(at % kPieces, row % 128, p.group, asymmetric, half[i]);
      from[i] = share[i] < kShares && row < p.n && offset >= 0 ? p.w + row / 128 * row_of_blocks + offset : nullptr;
    }
  }

  // The chunks first_chunk, + 1, ... of the shares.
  __device__ __forceinline__ void copy(int first_chunk, uint32_t stage) const {
#pragma unroll
    for (int i = 0; i < kCount; i++) {
      const int chunk = first_chunk + share[i];
      if (from[i] == nullptr || chunk >= chunks) continue;
      const long long offset = S::kHalves == 2 ? static_cast<long long>(chunk) * block
                                               : static_cast<long long>(chunk / 2) * block + chunk % 2 * half[i];
      ptx::copy_16(stage + to[i], from[i] + offset, 16);
    }
  }

 private:
  // Where a strip's piece lies in a block of K, for the strip that starts at row `row` of the block; -1 when there is none.
  static __device__ __forceinline__ int place(int piece, int row, int group, bool asymmetric, int& half) {
    const int groups = group < S::kColumns ? S::kColumns / group : 1;
    if (piece < S::kCodes / 16) {
      half = 2048;
      return ((row / 64 * 2 + piece / 32) * 128 + row % 64 / 16 * 32 + piece % 32) * 16;
    }
    if (piece < S::kZeros / 16) {
      const int at = piece - S::kScales / 16;
      half = 64 / group * 256;
      return at / 2 < groups ? gemm_int4::kCodeBytes + (at / 2 * 128 + row) * 2 + at % 2 * 16 : -1;
    }
    const int at = piece - S::kZeros / 16;
    half = 64 / group * 128;
    return asymmetric && at < groups ? gemm_int4::kCodeBytes + gemm_int4::scale_bytes(group) + at * 128 + row : -1;
  }
};

}  // namespace gemm_portable
