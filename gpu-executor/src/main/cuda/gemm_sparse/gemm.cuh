// Y = X W^T with a 2:4 W, a tile of 256 rows of W and kN rows of X a block, two blocks a cluster that share the rows of X. W is the
// sparse A operand, so that the tensor core makes tiles of Y^T. Persistent: a cluster walks the tiles index, index + clusters, ...
//
//   warp 0, one thread   bulk copies into a ring of stages of 128 bytes of X's K: its two packed blocks of W, and half of the rows of X
//                        for both
//   warpgroups 1, 2      128 rows of W each: two instructions of 64 x kN sums
//
// A sum runs over K in order, in the tensor core. Nothing depends on M, N or the tile.
#pragma once

#include "../gemm_prefill/pipeline.cuh"
#include "mma.cuh"
#include "packing.cuh"
#include "store.cuh"

namespace gemm_sparse {

using gemm_prefill::Barriers;
using gemm_prefill::Ring;
using gemm_prefill::kCluster;
using gemm_prefill::kConsumerWarps;
using gemm_prefill::kProducerThreads;

constexpr int kConsumerRegisters = 232, kProducerRegisters = 40;

template <typename Type_, int kN_>
struct Config {
  using Type = Type_;
  static constexpr int kN = kN_, kSums = kN / 2;
  static constexpr int kPacked = kPackedBytes<Type::kBytes>;
  static constexpr int kXBytes = kN * gemm_prefill::kRowBytes;
  static constexpr int kStageBytes = kXBytes + kWarpgroups * kPacked;
  static constexpr int kScaleBytes = 4 * kN;   // of a warpgroup: scales of a tile's rows of X
  static constexpr int kStages = (gemm_prefill::kSharedBytes - 256 - kWarpgroups * kScaleBytes) / kStageBytes;
  static constexpr int kScales = kStages * kStageBytes + 16 * kStages;
  static constexpr int kBytes = kScales + kWarpgroups * kScaleBytes;
  static_assert(kStages >= 3 && kStageBytes % 1024 == 0 && kScales % 16 == 0 && kBytes <= gemm_prefill::kSharedBytes, "shared memory");
};

// x tiled (gemm_prefill/tiling.cuh), w packed (layout.cuh); k_blocks of 128 bytes of X.
struct Problem {
  const uint8_t* x;
  const uint8_t* w;
  gemm_prefill::Output out;
  int k_blocks;

  __device__ int w_blocks() const { return (out.n + kRows - 1) / kRows; }
  __device__ int x_blocks() const { return (out.m + kRows - 1) / kRows; }
  __device__ int w_tiles() const { return (out.n + kTileRows - 1) / kTileRows; }   // of a cluster
  template <typename C>
  __device__ int tiles() const { return w_tiles() * ((out.m + C::kN - 1) / C::kN); }

  // Of this block: its first packed block of W, and the first row of X.
  template <typename C>
  __device__ gemm_prefill::Tile tile(int index) const {
    const gemm_prefill::Tile tile = gemm_prefill::tile_at(index, w_tiles(), tiles<C>() / w_tiles());
    return {(tile.first * kCluster + gemm_prefill::cluster_rank()) * kWarpgroups, tile.second * C::kN};
  }
};

template <typename C>
__device__ __forceinline__ void produce(const Problem& p, uint32_t stages, const Barriers<C::kStages> barriers) {
  constexpr int kHalf = C::kN / kCluster, kRuns = 2;   // at most two blocks of 128 rows have a part of them
  constexpr uint16_t kAll = (1 << kCluster) - 1;
  ptx::wait_for_predecessor();
  Ring<C::kStages> ring;
  const int tiles = p.tiles<C>(), rank = gemm_prefill::cluster_rank();
  for (int index = blockIdx.x / kCluster; index < tiles; index += gridDim.x / kCluster) {
    const gemm_prefill::Tile tile = p.tile<C>(index);
    gemm_prefill::Rows runs[kRuns];
    int taken = 0;
#pragma unroll
    for (int i = 0; i < kRuns; i++) {
      const int first = tile.second + rank * kHalf + taken;
      runs[i] = taken < kHalf ? gemm_prefill::rows_of(p.x, p.x_blocks(), p.k_blocks, first, kHalf - taken) : gemm_prefill::Rows{nullptr, 0};
      taken += static_cast<int>(runs[i].bytes) / gemm_prefill::kRowBytes;
    }
    const uint8_t* w[kWarpgroups];
#pragma unroll
    for (int i = 0; i < kWarpgroups; i++) w[i] = p.w + static_cast<long long>(min(tile.first + i, p.w_blocks() - 1)) * p.k_blocks * C::kPacked;
#pragma unroll 1
    for (int k = 0; k < p.k_blocks; k++) {
      ptx::barrier_wait(barriers.free(ring.stage), ring.parity ^ 1);
      const uint32_t stage = stages + ring.stage * C::kStageBytes, full = barriers.full(ring.stage);
      ptx::barrier_arrive_expect(full, C::kStageBytes);
#pragma unroll
      for (int i = 0; i < kWarpgroups; i++) {
        gemm_prefill::copy(stage + C::kXBytes + i * C::kPacked, w[i], C::kPacked, full);
        w[i] += C::kPacked;
      }
      uint32_t to = stage + rank * kHalf * gemm_prefill::kRowBytes;
#pragma unroll
      for (int i = 0; i < kRuns; i++) {
        if (runs[i].bytes == 0) break;
        gemm_prefill::multicast_copy(to, runs[i].from, runs[i].bytes, full, kAll);
        to += runs[i].bytes;
        runs[i].from += gemm_prefill::kBlockBytes;
      }
      ring.next();
    }
  }
}

// As ptx::swizzled_descriptor: rows of 64 bytes, 64-byte swizzle, groups of 8 rows 512 bytes apart.
__device__ __forceinline__ uint64_t value_descriptor(uint32_t address) {
  return static_cast<uint64_t>((address & 0x3FFFF) >> 4) | (1ull << 16) | (32ull << 32) | (2ull << 62);
}

// A thread's words of a stage. The tensor core reads them while the products run: they stay in their registers until hold(), behind
// the wait for these products. (Without that the compiler loads the next stage's words into the same registers.)
struct Metadata {
  uint32_t words[4] = {};

  template <int kBytes>
  __device__ __forceinline__ void load(uint32_t from) {
    if constexpr (kBytes == 1) {
      const uint4 four = ptx::load_16(from);
      words[0] = four.x, words[1] = four.y, words[2] = four.z, words[3] = four.w;
    } else {
      asm volatile("ld.shared.v2.u32 {%0, %1}, [%2];" : "=r"(words[0]), "=r"(words[2]) : "r"(from) : "memory");
    }
  }

  __device__ __forceinline__ void hold() { asm volatile("" : "+r"(words[0]), "+r"(words[1]), "+r"(words[2]), "+r"(words[3])::"memory"); }
};

// Starts the products of a stage with the 128 rows of a packed block, onto sums or in their place.
template <typename C>
__device__ __forceinline__ void multiply_stage(uint32_t stage, uint32_t packed, const Metadata& metadata, int add,
                                               float (&sums)[2][C::kSums]) {
  using Type = typename C::Type;
  constexpr int kSecond = kRows / 2 * kValueBytes / 16;   // the second instruction's rows
  constexpr bool kBf16 = Type::kBytes == 2;               // step 1 reads the same words, in other threads
  const uint64_t w = value_descriptor(packed), x = ptx::swizzled_descriptor(stage);
  ptx::wgmma_fence();
  MmaSparse<Type, C::kN, 0>::run(sums[0], w, x, metadata.words[0], add);
  MmaSparse<Type, C::kN, 0>::run(sums[1], w + kSecond, x, metadata.words[2], add);
  MmaSparse<Type, C::kN, kBf16>::run(sums[0], w + 2, x + 4, metadata.words[kBf16 ? 0 : 1], 1);
  MmaSparse<Type, C::kN, kBf16>::run(sums[1], w + kSecond + 2, x + 4, metadata.words[kBf16 ? 2 : 3], 1);
  ptx::wgmma_commit();
}

// What a consumer warp works with.
template <typename C>
struct Consumer {
  uint32_t stages;
  Barriers<C::kStages> barriers;
  int warp, lane;
  Ring<C::kStages> ring = {};
  int done = 0, previous = 0;   // stages of the tile, and the last of them

  __device__ __forceinline__ int warpgroup() const { return warp / 4; }
  __device__ __forceinline__ int thread() const { return warp % 4 * 32 + lane; }
  __device__ __forceinline__ uint32_t scales() const { return stages + C::kScales + warpgroup() * C::kScaleBytes; }
  __device__ __forceinline__ void sync_warpgroup() const { ptx::named_sync(1 + warpgroup(), 128); }

  // Behind the store of the tile before.
  __device__ __forceinline__ void fetch(const gemm_prefill::Output& out, int first_x) const {
    sync_warpgroup();
    for (int i = thread(); out.x_scales != nullptr && i < C::kN; i += 128) {
      ptx::copy_4(scales() + 4 * i, out.x_scales + static_cast<long long>(min(first_x + i, out.m - 1)) * out.x_stride);
    }
    ptx::copy_commit();
  }

  // Starts the products of the next stage with metadata `own`; those of the stage before, with `last`, are then done, and it is free.
  __device__ __forceinline__ void step(Metadata& own, Metadata& last, float (&sums)[2][C::kSums]) {
    constexpr int kBytes = C::Type::kBytes;
    const uint32_t stage = stages + ring.stage * C::kStageBytes, packed = stage + C::kXBytes + warpgroup() * C::kPacked;
    ptx::barrier_wait(barriers.full(ring.stage), ring.parity);
    own.template load<kBytes>(packed + kRows * kValueBytes + thread() * 4 * kWords<kBytes>);
    multiply_stage<C>(stage, packed, own, done > 0, sums);
    ptx::wgmma_wait<1>();
    last.hold();
    if (done > 0) gemm_prefill::arrive_in_cluster(barriers.free(previous), lane);
    previous = ring.stage;
    ring.next();
    done++;
  }

  // All products of a tile; even, odd: the metadata of stages by turns.
  __device__ __forceinline__ void multiply(int k_blocks, Metadata& even, Metadata& odd, float (&sums)[2][C::kSums]) {
    done = 0;
#pragma unroll 1
    while (done + 1 < k_blocks) {
      step(even, odd, sums);
      step(odd, even, sums);
    }
    if (done < k_blocks) step(even, odd, sums);
    ptx::wgmma_wait<0>();
    even.hold();
    odd.hold();
#pragma unroll
    for (int i = 0; i < 2 * C::kSums; i++) ptx::hold(sums[i / C::kSums][i % C::kSums]);
    gemm_prefill::arrive_in_cluster(barriers.free(previous), lane);
  }
};

template <typename C>
__device__ __forceinline__ void consume(const Problem& p, Consumer<C> consumer) {
  float sums[2][C::kSums];
#pragma unroll
  for (int i = 0; i < 2 * C::kSums; i++) sums[i / C::kSums][i % C::kSums] = 0;
  Metadata even, odd;
  const int tiles = p.tiles<C>();
  for (int index = blockIdx.x / kCluster; index < tiles; index += gridDim.x / kCluster) {
    const gemm_prefill::Tile tile = p.tile<C>(index);
    consumer.fetch(p.out, tile.second);
    consumer.multiply(p.k_blocks, even, odd, sums);
    ptx::copy_wait<0>();
    consumer.sync_warpgroup();
    const int row = (tile.first + consumer.warpgroup()) * kRows + consumer.warp % 4 * 32 + consumer.lane / 4 * 4;
    store<C::kN>(p.out, tile.second, row, consumer.lane % 4, consumer.scales(), sums);
  }
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
    consume<C>(p, Consumer<C>{stages, barriers, (thread - kProducerThreads) / 32, thread % 32});
  }
  ptx::cluster_sync();   // no block leaves while the other may still write to it
}

}  // namespace gemm_sparse
