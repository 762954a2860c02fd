// Both operands from shared memory: Y = X W^T, a tile of 128 rows of X and kN rows of W a block, two blocks a cluster that share
// the rows of W. Persistent: a cluster walks the tiles index, index + clusters, ...
//
//   warp 0, one thread   bulk copies into a ring of stages of 128 bytes of K: its 128 rows of X, and half of the W rows for both
//   warpgroups 1, 2      64 x kN sums each
//
// A sum runs over K in order, in the tensor core; with kPromote its value is moved to ordinary fp32 sums every kPromote blocks of
// 128 bytes, multiplied by the block's scales if kBlockScales. Nothing depends on M, N or the tile.
#pragma once

#include "mma.cuh"
#include "pipeline.cuh"
#include "store.cuh"

namespace gemm_prefill {

template <typename Type_, int kN_, int kPromote_, bool kBlockScales_, Fuse kFuse_ = Fuse::kNone, bool kXByThreads_ = false>
struct Config {
  using Type = Type_;
  using Sum = typename Type::Sum;
  static constexpr int kN = kN_, kPromote = kPromote_, kSums = kN / 2;
  static constexpr bool kBlockScales = kBlockScales_, kStagger = kPromote > 1;
  static constexpr Fuse kFuse = kFuse_;
  static constexpr bool kXByThreads = kXByThreads_;   // X is not tiled: threads copy it to the ring (gemm_grouped)
  static constexpr int kWBytes = kN * kRowBytes;
  static constexpr int kStageBytes = kBlockBytes + kWBytes;
  static constexpr int kColumnBytes = 8 * kN;   // of a warpgroup: scales and biases of a tile's columns
  // Of a warpgroup: a 16-bit residual of its part of a tile. 16 bytes more than a row: 8 rows of 4 lanes hit 32 banks.
  static constexpr int kResidualPitch = 2 * kN + 16, kResidualBytes = kFuse == Fuse::kResidual ? 64 * kResidualPitch : 0;
  static constexpr int kStages = (kSharedBytes - 256 - 2 * (kColumnBytes + kResidualBytes)) / kStageBytes;
  static constexpr int kColumns = kStages * kStageBytes + 16 * kStages;
  static constexpr int kResidual = kColumns + 2 * kColumnBytes, kBytes = kResidual + 2 * kResidualBytes;
  static_assert(kStages >= 3 && kColumns % 16 == 0 && kBytes <= kSharedBytes, "shared memory");
};

// x and w tiled (tiling.cuh); k_blocks of 128 bytes. W may have tiles of another height, a multiple of 32: in the order of
// gemm_decode/layout.cuh, so that both families read one copy.
struct Problem {
  const uint8_t* x;
  const uint8_t* w;
  Output out;
  int k_blocks;
  int tile_rows = kRows;   // of w

  __device__ int row_tiles() const { return (out.m + kRows - 1) / kRows; }
  __device__ int pairs() const { return (row_tiles() + kCluster - 1) / kCluster; }
  __device__ int w_blocks() const { return (out.n + kRows - 1) / kRows; }   // of 128 rows: scales
  __device__ int w_tiles() const { return (out.n + tile_rows - 1) / tile_rows; }
  template <typename C>
  __device__ int tiles() const { return pairs() * ((out.n + C::kN - 1) / C::kN); }
};

// The first rows of the `count` <= 128 at `first` that lie in one tile. Rows beyond W repeat its last tile.
__device__ __forceinline__ Rows rows_of_w(const Problem& p, int first, int count) {
  const int inside = first % p.tile_rows, tile = min(first / p.tile_rows, p.w_tiles() - 1);
  return {p.w + (static_cast<long long>(tile) * p.k_blocks * p.tile_rows + inside) * kRowBytes,
          static_cast<uint32_t>(min(count, p.tile_rows - inside) * kRowBytes)};
}

constexpr int kRuns = kRows / 32;   // of 128 rows, at most: tiles have 32 rows or more, and runs begin at multiples of 32

template <typename C>
__device__ __forceinline__ void produce(const Problem& p, uint32_t stages, const Barriers<C::kStages> barriers) {
  constexpr int kHalf = C::kN / kCluster;
  constexpr uint16_t kAll = (1 << kCluster) - 1;
  ptx::wait_for_predecessor();
  Ring<C::kStages> ring;
  const int rank = cluster_rank(), pairs = p.pairs(), tiles = p.tiles<C>();
  for (int index = blockIdx.x / kCluster; index < tiles; index += gridDim.x / kCluster) {
    const Tile tile = tile_at(index, pairs, tiles / pairs);
    const int first = tile.second * C::kN + rank * kHalf;
    const uint8_t* x =
        p.x + static_cast<long long>(min(tile.first * kCluster + rank, p.row_tiles() - 1)) * p.k_blocks * kBlockBytes;
    Rows runs[kRuns];
    int taken = 0;
#pragma unroll
    for (int i = 0; i < kRuns; i++) {
      runs[i] = taken < kHalf ? rows_of_w(p, first + taken, kHalf - taken) : Rows{nullptr, 0};
      taken += static_cast<int>(runs[i].bytes) / kRowBytes;
    }
    const int step = p.tile_rows * kRowBytes;
#pragma unroll 1
    for (int k = 0; k < p.k_blocks; k++) {
      ptx::barrier_wait(barriers.free(ring.stage), ring.parity ^ 1);
      const uint32_t stage = stages + ring.stage * C::kStageBytes, full = barriers.full(ring.stage);
      uint32_t w = stage + kBlockBytes + rank * kHalf * kRowBytes;
      ptx::barrier_arrive_expect(full, C::kStageBytes);
      copy(stage, x, kBlockBytes, full);
#pragma unroll
      for (int i = 0; i < kRuns; i++) {
        if (runs[i].bytes == 0) break;
        multicast_copy(w, runs[i].from, runs[i].bytes, full, kAll);
        w += runs[i].bytes;
        runs[i].from += step;
      }
      x += kBlockBytes;
      ring.next();
    }
  }
}

// X scales [M, K / 128], W scales [ceil(N / 128), K / 128] of block k.
template <typename C>
__device__ __forceinline__ void block_scales(const Problem& p, int row, int column, int k, float (&scale)[2][C::kN / 64]) {
#pragma unroll
  for (int h = 0; h < 2; h++) {
    const int at = min(row + 8 * h, p.out.m - 1);
    const float x = p.out.x_scales[static_cast<long long>(at) * p.k_blocks + k];
#pragma unroll
    for (int s = 0; s < C::kN / 64; s++) {
      const int block = min((column + 64 * s) / 128, p.w_blocks() - 1);
      scale[h][s] = __fmul_rn(x, p.out.w_scales[static_cast<long long>(block) * p.k_blocks + k]);
    }
  }
}

template <typename C>
__device__ __forceinline__ void multiply_stage(uint32_t stage, int warpgroup, int add, typename C::Sum (&part)[C::kSums]) {
  const uint64_t x = ptx::swizzled_descriptor(stage + warpgroup * (kBlockBytes / 2));
  const uint64_t w = ptx::swizzled_descriptor(stage + kBlockBytes);
  ptx::wgmma_fence();
#pragma unroll
  for (int i = 0; i < kRowBytes / 32; i++) {
    MmaShared<typename C::Type, C::kN>::run(part, x + 2 * i, w + 2 * i, i > 0 ? 1 : add);
  }
  ptx::wgmma_commit();
}

// What a consumer warp works with.
template <typename C>
struct Consumer {
  uint32_t stages;
  Barriers<C::kStages> barriers;
  int warp, lane;
  Ring<C::kStages> ring;

  __device__ __forceinline__ uint32_t columns() const { return stages + C::kColumns + warp / 4 * C::kColumnBytes; }

  // The warp's 16 rows.
  __device__ __forceinline__ uint32_t residual() const { return stages + C::kResidual + warp * (C::kResidualBytes / 4); }

  __device__ __forceinline__ void sync_warpgroup() const { ptx::named_sync(1 + warp / 4, 128); }

  // Puts the second warpgroup a stage behind the first: one moves its sums while the other has the tensor core.
  __device__ __forceinline__ void stagger(int k_blocks) const {
    if (C::kStagger && warp >= 4 && k_blocks > 1) ptx::barrier_wait(barriers.full(1), 0);
  }

  // Behind the store of the tile before.
  __device__ __forceinline__ void fetch(const Output& out, Place at) const {
    sync_warpgroup();
    fetch_columns<C>(out, at.column, columns(), warp % 4 * 32 + lane);
    if constexpr (C::kFuse == Fuse::kResidual) fetch_residual<C>(out, at, residual(), lane);
    ptx::copy_commit();
  }

  __device__ __forceinline__ void store(const Output& out, Place at, const Accumulator<C>& sums) const {
    ptx::copy_wait<0>();
    sync_warpgroup();
    store_tile<C>(out, at, lane, columns(), residual(), sums);
  }

  // Products of the next `blocks` blocks of K into sums.part, from zero. A stage is freed one stage later, when its products
  // are done; those of the last one may still run.
  __device__ __forceinline__ void start_chunk(int blocks, Accumulator<C>& sums) {
    int previous = 0;
    for (int k = 0; k < blocks; k++) {
      ptx::barrier_wait(barriers.full(ring.stage), ring.parity);
      if constexpr (C::kXByThreads) ptx::proxy_fence();
      multiply_stage<C>(stages + ring.stage * C::kStageBytes, warp / 4, k > 0, sums.part);
      ptx::wgmma_wait<1>();
      if (k > 0) arrive_in_cluster(barriers.free(previous), lane);
      previous = ring.stage;
      ring.next();
    }
  }

  // Takes blocks out of the ring without a product: the warpgroup has no rows.
  __device__ __forceinline__ void skip(int blocks) {
    for (int k = 0; k < blocks; k++) {
      ptx::barrier_wait(barriers.full(ring.stage), ring.parity);
      arrive_in_cluster(barriers.free(ring.stage), lane);
      ring.next();
    }
  }

  __device__ __forceinline__ void finish_chunk(Accumulator<C>& sums) {
    ptx::wgmma_wait<0>();
    sums.hold();
    arrive_in_cluster(barriers.free(ring.stage == 0 ? C::kStages - 1 : ring.stage - 1), lane);
  }
};

// One chunk after the other, each moved to sums.sums; meanwhile, `between` runs beside the first one's products.
template <typename C, typename Between>
__device__ __forceinline__ void promoted_tile(const Problem& p, Consumer<C>& consumer, Place at, const Between& between,
                                              Accumulator<C>& sums) {
  float scale[2][C::kN / 64];
  consumer.start_chunk(min(C::kPromote, p.k_blocks), sums);
  between();
  if constexpr (C::kBlockScales) block_scales<C>(p, at.row + consumer.lane / 4, at.column, 0, scale);
  consumer.finish_chunk(sums);
  sums.template promote<true>(scale);
  for (int k = C::kPromote; k < p.k_blocks; k += C::kPromote) {
    consumer.start_chunk(min(C::kPromote, p.k_blocks - k), sums);
    if constexpr (C::kBlockScales) block_scales<C>(p, at.row + consumer.lane / 4, at.column, k, scale);
    consumer.finish_chunk(sums);
    sums.template promote<false>(scale);
  }
}

// The tiles of a consumer warp. With kPromote, a tile is stored while the tensor core works on the next.
template <typename C>
__device__ __forceinline__ void consume(const Problem& p, Consumer<C> consumer) {
  Accumulator<C> sums;
#pragma unroll
  for (int i = 0; i < C::kSums; i++) sums.part[i] = 0;
  Place done{-1, 0};
  const int tiles = p.tiles<C>(), pairs = p.pairs();
  if (static_cast<int>(blockIdx.x) / kCluster < tiles) consumer.stagger(p.k_blocks);
  for (int index = blockIdx.x / kCluster; index < tiles; index += gridDim.x / kCluster) {
    const Tile tile = tile_at(index, pairs, tiles / pairs);
    const Place at{(tile.first * kCluster + cluster_rank()) * kRows + consumer.warp * 16, tile.second * C::kN};
    if constexpr (C::kPromote > 0) {
      const auto store_last = [&] {
        if (done.row >= 0) consumer.store(p.out, done, sums);
        consumer.fetch(p.out, at);
      };
      promoted_tile<C>(p, consumer, at, store_last, sums);
      done = at;
    } else {
      consumer.fetch(p.out, at);
      consumer.start_chunk(p.k_blocks, sums);
      consumer.finish_chunk(sums);
      consumer.store(p.out, at, sums);
    }
  }
  if (C::kPromote > 0 && done.row >= 0) consumer.store(p.out, done, sums);
}

// Grid: clusters of two, any number; C::kBytes of shared memory.
template <typename C>
__device__ __forceinline__ void gemm(const Problem& p) {
  extern __shared__ __align__(1024) uint8_t shared[];
  const uint32_t stages = ptx::shared_address(shared);
  const Barriers<C::kStages> barriers{stages + C::kStages * C::kStageBytes};
  const int thread = static_cast<int>(threadIdx.x);
  if (thread == 0) {
    if ((stages & 1023) != 0) __trap();
    barriers.init(kCluster * kConsumerWarps);
    ptx::barrier_init_fence();
  }
  __syncthreads();
  ptx::cluster_sync();
  ptx::launch_dependents();
  if (thread < kProducerThreads) {
    ptx::fewer_registers<kProducerRegisters>();
    if (thread == 0) produce<C>(p, stages, barriers);
  } else {
    ptx::more_registers<kConsumerRegisters>();
    ptx::wait_for_predecessor();
    consume<C>(p, Consumer<C>{stages, barriers, (thread - kProducerThreads) / 32, thread % 32, {}});
  }
  ptx::cluster_sync();   // no block leaves while the other may still write to it
}

}  // namespace gemm_prefill
