// The prefill GEMM's pipeline over the tiles of many experts: 128 tokens x kN rows of an expert's W a block, two blocks a cluster that
// share the rows of W.
//
//   thread 0             its half of the W rows for both blocks, by bulk copies
//   warps 1, 2, 3        its tokens of X, row-major, by cp.async into the swizzled rows of the ring
//   warpgroups 1, 2      64 x kN sums each
//
// Rows behind an expert's last token keep what the ring held: a row of operand A reaches only its own sums, which are not stored.
#pragma once

#include "../gemm_prefill/gemm.cuh"
#include "experts.cuh"

namespace gemm_grouped {

namespace prefill = gemm_prefill;

constexpr int kXThreads = prefill::kProducerThreads - 32;

template <typename Type, int kN, int kPromote, bool kBlockScales>
using Config = prefill::Config<Type, kN, kPromote, kBlockScales, prefill::Fuse::kNone, true>;

// x [tokens, K], y [tokens, N]; the W of an expert tiled as in gemm_prefill, one expert behind the other.
struct Problem {
  const uint8_t* x;
  const uint8_t* w;
  const int* offsets;
  const float* x_scales;   // [tokens], or [tokens, ceil(K / 128)] with block scales; null: 1
  const float* w_scales;   // [experts, N], or [experts, ceil(N / 128), ceil(K / 128)]; null: 1
  const float* bias;       // [experts, N] or null
  void* y;
  int experts, n, k_bytes, y_type;

  __device__ __forceinline__ int k_blocks() const { return (k_bytes + prefill::kRowBytes - 1) / prefill::kRowBytes; }

  template <typename C>
  __device__ __forceinline__ Experts tiles() const {
    return Experts(offsets, experts, prefill::kCluster * prefill::kRows, (n + C::kN - 1) / C::kN);
  }

  // What the store of a tile needs: scales and biases of its columns are in shared memory already.
  __device__ __forceinline__ prefill::Output stored(int end) const {
    return {y, bias, x_scales, w_scales, 1, 1, end, n, y_type, nullptr};
  }

  // The expert's, in rows of all tokens: tokens from `end` on are not its own.
  template <typename C>
  __device__ __forceinline__ prefill::Problem of(int expert, int end) const {
    const long long w_rows = (n + prefill::kRows - 1) / prefill::kRows, before = static_cast<long long>(expert) * n;
    const long long scales = C::kBlockScales ? expert * w_rows * k_blocks() : before;
    return {x, w + expert * w_rows * k_blocks() * prefill::kBlockBytes,
            {y, bias == nullptr ? nullptr : bias + before, x_scales, w_scales == nullptr ? nullptr : w_scales + scales, 1, 1, end, n, y_type,
             nullptr},
            k_blocks()};
  }
};

template <typename C>
__device__ __forceinline__ void produce_w(const Problem& g, uint32_t stages, const prefill::Barriers<C::kStages> barriers) {
  constexpr int kHalf = C::kN / prefill::kCluster;
  constexpr uint16_t kAll = (1 << prefill::kCluster) - 1;
  prefill::Ring<C::kStages> ring;
  const int rank = prefill::cluster_rank(), blocks = g.k_blocks();
  Experts experts = g.tiles<C>();
  for (int index = blockIdx.x / prefill::kCluster; experts.seek(index); index += gridDim.x / prefill::kCluster) {
    const prefill::Problem p = g.of<C>(experts.expert, experts.end);
    const prefill::Tile tile = prefill::tile_at(index - experts.base, experts.row_tiles(), experts.column_tiles);
    const int first = tile.second * C::kN + rank * kHalf;
    prefill::Rows low = prefill::rows_of_w(p, first, kHalf);
    prefill::Rows high = prefill::rows_of_w(p, first + low.bytes / prefill::kRowBytes, kHalf - low.bytes / prefill::kRowBytes);
#pragma unroll 1
    for (int k = 0; k < blocks; k++) {
      ptx::barrier_wait(barriers.free(ring.stage), ring.parity ^ 1);
      const uint32_t full = barriers.full(ring.stage);
      const uint32_t to = stages + ring.stage * C::kStageBytes + prefill::kBlockBytes + rank * kHalf * prefill::kRowBytes;
      ptx::barrier_arrive_expect(full, C::kWBytes);
      prefill::multicast_copy(to, low.from, low.bytes, full, kAll);
      if (high.bytes > 0) prefill::multicast_copy(to + low.bytes, high.from, high.bytes, full, kAll);
      low.from += prefill::kBlockBytes;
      high.from += prefill::kBlockBytes;
      ring.next();
    }
  }
}

// A thread copies one 16-byte piece of every 12th row. What lies beyond K is zero, as it is in W's tiles.
template <typename C>
__device__ __forceinline__ void produce_x(const Problem& g, uint32_t stages, const prefill::Barriers<C::kStages> barriers, int thread) {
  constexpr int kStep = kXThreads / 8;
  const int piece = thread % 8, first_row = thread / 8, rank = prefill::cluster_rank(), blocks = g.k_blocks();
  const long long step_bytes = static_cast<long long>(kStep) * g.k_bytes;
  prefill::Ring<C::kStages> ring;
  Experts experts = g.tiles<C>();
  for (int index = blockIdx.x / prefill::kCluster; experts.seek(index); index += gridDim.x / prefill::kCluster) {
    const prefill::Tile tile = prefill::tile_at(index - experts.base, experts.row_tiles(), experts.column_tiles);
    const int token = experts.first + (tile.first * prefill::kCluster + rank) * prefill::kRows;
    const int rows = min(experts.end - token, prefill::kRows);
    const uint8_t* first = g.x + static_cast<long long>(token + first_row) * g.k_bytes;
#pragma unroll 1
    for (int k = 0; k < blocks; k++) {
      ptx::barrier_wait(barriers.free(ring.stage), ring.parity ^ 1);
      const uint32_t to = stages + ring.stage * C::kStageBytes;
      const int at = k * prefill::kRowBytes + piece * 16, bytes = at < g.k_bytes ? 16 : 0;
      const uint8_t* from = first + (bytes > 0 ? at : 0);
#pragma unroll 4
      for (int row = first_row; row < rows; row += kStep) {
        ptx::copy_16(to + row * prefill::kRowBytes + (piece ^ (row & 7)) * 16, from, bytes);
        from += step_bytes;
      }
      ptx::copy_arrive(barriers.full(ring.stage));   // whoever waits there fences the proxies itself
      ring.next();
    }
  }
  ptx::copy_commit();   // no thread leaves before its copies have landed
  ptx::copy_wait<0>();
}

// As prefill::consume.
template <typename C>
__device__ __forceinline__ void consume(const Problem& g, prefill::Consumer<C> consumer) {
  prefill::Accumulator<C> sums;
#pragma unroll
  for (int i = 0; i < C::kSums; i++) sums.part[i] = 0;
  prefill::Place done{-1, 0};
  int done_end = 0;
  Experts experts = g.tiles<C>();
  int index = blockIdx.x / prefill::kCluster;
  if (experts.seek(index)) consumer.stagger(g.k_blocks());
  for (; experts.seek(index); index += gridDim.x / prefill::kCluster) {
    const prefill::Problem p = g.of<C>(experts.expert, experts.end);
    const prefill::Tile tile = prefill::tile_at(index - experts.base, experts.row_tiles(), experts.column_tiles);
    const int row = experts.first + (tile.first * prefill::kCluster + prefill::cluster_rank()) * prefill::kRows + consumer.warp * 16;
    const prefill::Place at{row, tile.second * C::kN};
    if (row - consumer.warp % 4 * 16 >= experts.end) {   // the warpgroup has no token; the tile before still waits to be stored
      consumer.skip(p.k_blocks);
      continue;
    }
    if constexpr (C::kPromote > 0) {
      const auto store_last = [&] {
        if (done.row >= 0) consumer.store(g.stored(done_end), done, sums);
        consumer.fetch(p.out, at);
      };
      prefill::promoted_tile<C>(p, consumer, at, store_last, sums);
      done = at;
      done_end = experts.end;
    } else {
      consumer.fetch(p.out, at);
      consumer.start_chunk(p.k_blocks, sums);
      consumer.finish_chunk(sums);
      consumer.store(g.stored(experts.end), at, sums);
    }
  }
  if (C::kPromote > 0 && done.row >= 0) consumer.store(g.stored(done_end), done, sums);
}

// Grid: clusters of two, any number; C::kBytes of shared memory.
template <typename C>
__device__ __forceinline__ void gemm(const Problem& g) {
  extern __shared__ __align__(1024) uint8_t shared[];
  const uint32_t stages = ptx::shared_address(shared);
  const prefill::Barriers<C::kStages> barriers{stages + C::kStages * C::kStageBytes};
  const int thread = static_cast<int>(threadIdx.x);
  if (thread == 0) {
    if ((stages & 1023) != 0) __trap();
    barriers.init(prefill::kCluster * prefill::kConsumerWarps, 1 + kXThreads);
    ptx::barrier_init_fence();
  }
  __syncthreads();
  ptx::cluster_sync();
  ptx::launch_dependents();
  ptx::wait_for_predecessor();   // the offsets come from it
  if (thread < prefill::kProducerThreads) {
    ptx::fewer_registers<prefill::kProducerRegisters>();
    if (thread == 0) produce_w<C>(g, stages, barriers);
    if (thread >= 32) produce_x<C>(g, stages, barriers, thread - 32);
  } else {
    ptx::more_registers<prefill::kConsumerRegisters>();
    const int consumer = thread - prefill::kProducerThreads;
    consume<C>(g, prefill::Consumer<C>{stages, barriers, consumer / 32, consumer % 32, {}});
  }
  ptx::cluster_sync();   // no block leaves while the other may still write to it
}

}  // namespace gemm_grouped
