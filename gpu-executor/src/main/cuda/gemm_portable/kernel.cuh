// The main loop and the output of a block: kW rows of W times kX rows of X, over all of K.
//
// W is operand A of mma.sync, X operand B. Chunk i of K belongs to share i modulo kKWarps of the block; each share's sums run over its
// chunks in order, and the shares are added in order. So a sum depends on K, the types and the family alone: kKWarps is 4 for
// decoding, 1 for prefill.
#pragma once

#include "output.cuh"
#include "stage.cuh"

namespace gemm_portable {

// Scales of a chunk of 128 of K, from device memory while its products run.
template <typename S>
struct BlockScales {
  float x[S::kXTiles][2], w[2];

  __device__ __forceinline__ void load(const Problem& p, const Part& part, int x_row, int chunk) {
    const int blocks = (p.k + 127) / 128;
    const bool gate = (p.flags & kGate) != 0;
#pragma unroll
    for (int i = 0; i < 2 * S::kXTiles; i++) {
      const int row = min(part.first_x + x_row + i / 2 * 8 + i % 2, part.end_x - 1);
      x[i / 2][i % 2] = p.scale_x[static_cast<long long>(row) * blocks + chunk];
    }
#pragma unroll
    for (int h = 0; h < 2; h++) {
      const int row = gate ? part.first_w / 256 + h * ((p.n / 2 + 127) / 128) : part.first_w / 128;
      w[h] = p.scale_w[static_cast<long long>(row) * blocks + chunk];
    }
  }
};

// A warp: its places in the block, and its sums. With block or group scales `total` takes each part's sum times its scale.
template <typename C>
struct Warp {
  using T = typename C::T;
  using S = typename C::Tile;
  static constexpr bool kScaled = T::kScaling != Scaling::kTensorOrRow;
  int lane, k_share, w_warp, x_warp;
  typename C::Sum sums[S::kWTiles][S::kXTiles][4] = {};
  typename C::Sum total[kScaled ? S::kWTiles : 1][kScaled ? S::kXTiles : 1][4] = {};

  __device__ __forceinline__ explicit Warp(int thread) : lane(thread % 32) {
    const int warp = thread / 32;
    w_warp = warp % S::kWWarps;
    x_warp = warp / S::kWWarps % S::kXWarps;
    k_share = warp / S::kWWarps / S::kXWarps;
  }
  __device__ __forceinline__ int x_row() const { return x_warp * S::kXTiles * 8 + lane % 4 * 2; }
  __device__ __forceinline__ int w_strip(int tile) const { return w_warp * S::kWTiles + tile; }

  __device__ __forceinline__ void load_activations(uint32_t x, int step, uint32_t (&b)[S::kXTiles][T::kMmas][2]) const {
    const uint32_t piece = ((2 * step + (lane / 8 & 1)) ^ (lane & 7)) * 16;
#pragma unroll
    for (int tile = 0; tile < S::kXTiles; tile += 2) {
      uint32_t raw[4];
      const int row = (x_warp * S::kXTiles + tile + lane / 16) * 8 + lane % 8;
      ptx::load_matrices(raw, x + row * kChunkBytes + piece);
      const uint32_t low[2] = {raw[0], raw[1]}, high[2] = {raw[2], raw[3]};
      T::activations(low, b[tile]);
      T::activations(high, b[tile + 1]);
    }
  }

  __device__ __forceinline__ void load_weights(uint32_t w, int step, int tile, uint32_t (&a)[T::kMmas][4]) const {
    uint32_t raw[4];
    const int row = w_strip(tile) * 16 + lane % 8 * 2 + (lane / 8 & 1);
    ptx::load_matrices(raw, w + row * kChunkBytes + ((2 * step + lane / 16) ^ (lane & 7)) * 16);
    T::weights(raw, a);
  }

  // The operands of a step from a strip of int4 weights; words: the strip's codes of this lane; 2^shift steps a group.
  __device__ __forceinline__ void unpack_weights(uint32_t strip, const uint32_t (&words)[4 * T::kMmas], int step, int shift,
                                                 bool asymmetric, uint32_t (&a)[T::kMmas][4]) const {
    constexpr gemm_int4::Type kType = T::kMmas == 2 ? gemm_int4::Type::kFp16 : T::type;   // e4m3 has no zero points
    gemm_int4::Offsets minus = gemm_int4::symmetric_offsets<kType>();
    if (T::kMmas == 1 && asymmetric) {
      minus = gemm_int4::offsets<kType>(ptx::load_2(strip + Strip<T>::kZeros + (step >> shift) * 16 + lane / 4 * 2));
    }
    T::codes(&words[step * T::kMmas], minus, a);
  }

  // Moves the sums, times the scales of rows g and g + 8 of W and of the rows of X, to the totals.
  template <typename ScaleOf>
  __device__ __forceinline__ void move(const ScaleOf& scale) {
#pragma unroll
    for (int i = 0; i < S::kWTiles * S::kXTiles * 4; i++) {
      const int w = i / (4 * S::kXTiles), x = i / 4 % S::kXTiles, j = i % 4;
      total[w][x][j] = __fmaf_rn(sums[w][x][j], scale(w, x, j), total[w][x][j]);
      sums[w][x][j] = 0;
    }
  }

  __device__ __forceinline__ void move_group(uint32_t w, int group) {
    float scales[S::kWTiles][2];
#pragma unroll
    for (int tile = 0; tile < S::kWTiles; tile++) {
      const uint32_t at = w + w_strip(tile) * Strip<T>::kBytes + Strip<T>::kScales + group * 32 + lane / 4 * 4;
      const float2 pair = gemm_int4::widen<T::type>(ptx::load_4(at));
      scales[tile][0] = pair.x;
      scales[tile][1] = pair.y;
    }
    move([&](int tile, int, int j) { return scales[tile][j / 2]; });
  }

  // Products of a chunk of rows.
  __device__ __forceinline__ void multiply_rows(uint32_t x, uint32_t w) {
#pragma unroll
    for (int step = 0; step < 4; step++) {
      uint32_t b[S::kXTiles][T::kMmas][2];
      load_activations(x, step, b);
#pragma unroll
      for (int tile = 0; tile < S::kWTiles; tile++) {
        uint32_t a[T::kMmas][4];
        load_weights(w, step, tile, a);
        multiply_tile(tile, a, b);
      }
    }
  }

  // Products of a chunk of int4 weights; a group's, or the chunk's part of it, are summed from zero.
  __device__ __forceinline__ void multiply_strips(uint32_t x, uint32_t w, int group, bool asymmetric) {
    constexpr int kStepColumns = 32 / T::kXBytes;
    const int shift = 31 - __clz(min(group, Strip<T>::kColumns) / kStepColumns);   // a group is a power of two
    uint32_t words[S::kWTiles][4 * T::kMmas];
#pragma unroll
    for (int i = 0; i < S::kWTiles * T::kMmas; i++) {
      const uint4 four = ptx::load_16(w + w_strip(i / T::kMmas) * Strip<T>::kBytes + i % T::kMmas * 512 + lane * 16);
      uint32_t* to = &words[i / T::kMmas][i % T::kMmas * 4];
      to[0] = four.x;
      to[1] = four.y;
      to[2] = four.z;
      to[3] = four.w;
    }
#pragma unroll
    for (int step = 0; step < 4; step++) {
      uint32_t b[S::kXTiles][T::kMmas][2];
      load_activations(x, step, b);
#pragma unroll
      for (int tile = 0; tile < S::kWTiles; tile++) {
        uint32_t a[T::kMmas][4];
        unpack_weights(w + w_strip(tile) * Strip<T>::kBytes, words[tile], step, shift, asymmetric, a);
        multiply_tile(tile, a, b);
      }
      if ((step + 1 & (1 << shift) - 1) == 0) move_group(w, step >> shift);
    }
  }

  __device__ __forceinline__ void multiply_tile(int tile, const uint32_t (&a)[T::kMmas][4],
                                                const uint32_t (&b)[S::kXTiles][T::kMmas][2]) {
#pragma unroll
    for (int i = 0; i < S::kXTiles * T::kMmas; i++) {
      T::multiply(sums[tile][i / T::kMmas], a[i % T::kMmas], b[i / T::kMmas][i % T::kMmas]);
    }
  }

  // The share's sums to shared memory, [row of X][row of W].
  __device__ __forceinline__ void store(typename C::Sum* to) const {
    to += k_share * S::kX * S::kPitch;
#pragma unroll
    for (int i = 0; i < S::kWTiles * S::kXTiles * 2; i++) {
      const int w = i / (2 * S::kXTiles), x = i / 2 % S::kXTiles, j = i % 2;
      typename C::Sum* at = to + (x_row() + 8 * x + j) * S::kPitch + w_strip(w) * 16 + lane / 4 * 2;
      at[0] = kScaled ? total[w][x][j] : sums[w][x][j];
      at[1] = kScaled ? total[w][x][j + 2] : sums[w][x][j + 2];
    }
  }
};

// Adds the shares and writes the block's part of Y.
template <typename C>
__device__ __forceinline__ void write(const Problem& p, const Part& part, const typename C::Sum* sums) {
  using S = typename C::Tile;
  using Sum = typename C::Sum;
  constexpr int kQuads = S::kW / 4;
  for (int i = static_cast<int>(threadIdx.x); i < S::kX * kQuads; i += S::kThreads) {
    const int row = i / kQuads, w_row = i % kQuads * 4, m = part.first_x + row, n = part.first_w + w_row;
    if (m >= part.end_x || n >= p.n) continue;
    Sum total[4] = {};
#pragma unroll
    for (int j = 0; j < 4 * S::kKWarps; j++) total[j % 4] += sums[(j / 4 * S::kX + row) * S::kPitch + w_row + j % 4];
    float values[4];
#pragma unroll
    for (int j = 0; j < 4; j++) values[j] = __fmul_rn(static_cast<float>(total[j]), C::T::kUnit);
    write_four<C::T::kScaling == Scaling::kBlocks>(p, m, n, values);
  }
}

// All threads of the block; shared memory is free again when all have returned and met.
template <typename C>
__device__ __forceinline__ void multiply(const Problem& p, const Part& part) {
  extern __shared__ __align__(128) unsigned char shared[];
  using S = typename C::Tile;
  const uint32_t base = ptx::shared_address(shared);
  const int chunks = (p.k * C::T::kXBytes + kChunkBytes - 1) / kChunkBytes, stages = (chunks + S::kKWarps - 1) / S::kKWarps;
  const std::conditional_t<C::T::kInt4, StripPieces<C>, Rows<C>> weights(p, part);
  const auto copy = [&](int stage) {
    if (stage < stages) {
      const uint32_t to = base + stage % C::kStages * C::kStageBytes;
      copy_x<C>(p, part, stage * S::kKWarps, to);
      weights.copy(stage * S::kKWarps, to + C::kXBytes);
    }
    ptx::copy_commit();
  };
  Warp<C> warp(static_cast<int>(threadIdx.x));
#pragma unroll
  for (int stage = 0; stage < C::kStages - 1; stage++) copy(stage);
#pragma unroll 1
  for (int stage = 0; stage < stages; stage++) {
    ptx::copy_wait<C::kStages - 2>();
    __syncthreads();
    copy(stage + C::kStages - 1);
    const int chunk = stage * S::kKWarps + warp.k_share;
    if (chunk >= chunks) continue;
    const uint32_t x = base + stage % C::kStages * C::kStageBytes + warp.k_share * C::kShareBytes, w = x + C::kXBytes;
    if constexpr (C::T::kScaling == Scaling::kBlocks) {
      BlockScales<S> scales;
      scales.load(p, part, warp.x_row(), chunk);
      warp.multiply_rows(x, w);
      warp.move([&](int, int tile, int j) { return __fmul_rn(scales.x[tile][j % 2], scales.w[j / 2]); });
    } else if constexpr (C::T::kInt4) {
      warp.multiply_strips(x, w, p.group, (p.flags & kAsymmetric) != 0);
    } else {
      warp.multiply_rows(x, w);
    }
  }
  ptx::copy_wait<0>();
  __syncthreads();
  typename C::Sum* sums = reinterpret_cast<typename C::Sum*>(shared);
  warp.store(sums);
  __syncthreads();
  write<C>(p, part, sums);
}

}  // namespace gemm_portable
