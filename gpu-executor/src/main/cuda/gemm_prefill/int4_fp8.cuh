// int4 weights and e4m3 activations: Y = X W^T, W in the tiled int4 layout of gemm_int4/layout.cuh with codes for e4m3. A tile is
// 128 rows of W (the wgmma A operand, in registers) and 192 rows of X (B, shared memory); two blocks a cluster share the rows of X.
//
//   thread 0             a stage: half of the rows of X for both blocks, 128 columns, and this block's 128 x 128 codes
//   warpgroups 1, 2      64 rows of W each: codes to e4m3, exactly; a group's products in the tensor core from zero, then onto
//                        fp32 sums by one fma with its scale
//
// While one warpgroup moves sums the other has the tensor core. A tile is stored beside the first products of the next. A sum runs
// over the groups of K in order: nothing depends on M, N or the tile.
#pragma once

#include "int4.cuh"

namespace gemm_prefill {

template <int kGroup_>
struct Int4Fp8Config {
  static constexpr int kGroup = kGroup_, kGroups = int4::kTile / kGroup, kSteps = kGroup / 32;
  static constexpr int kN = 192, kSums = kN / 2;
  static constexpr int kXBytes = kN * kRowBytes, kWeightBytes = int4::block_bytes(kGroup, false);
  static constexpr int kScaleBytes = 4 * kN;   // of a warpgroup: scales of a tile's rows of X
  static constexpr int kStages = (kSharedBytes - 256 - 2 * kScaleBytes) / (kXBytes + kWeightBytes);
  static constexpr int kScales = kStages * (kXBytes + kWeightBytes), kBarriers = kScales + 2 * kScaleBytes;
  static constexpr int kBytes = kBarriers + 16 * kStages;
  static_assert(kStages >= 3 && kBytes <= kSharedBytes, "shared memory");

  uint32_t base;
  __device__ uint32_t x(int stage) const { return base + stage * kXBytes; }
  __device__ uint32_t weights(int stage) const { return x(kStages) + stage * kWeightBytes; }
  __device__ uint32_t scales(int warpgroup) const { return base + kScales + warpgroup * kScaleBytes; }
  __device__ Barriers<kStages> barriers() const { return {base + kBarriers}; }
};

// x tiled (tiling.cuh), weights tiled (gemm_int4/layout.cuh); scales of X in `out`.
struct Int4Fp8Problem {
  const uint8_t* x;
  const uint8_t* weights;
  Output out;
  int k;

  __device__ int x_blocks() const { return (out.m + kRows - 1) / kRows; }
  __device__ int w_blocks() const { return (out.n + int4::kTile - 1) / int4::kTile; }
  __device__ int k_blocks() const { return (k + int4::kTile - 1) / int4::kTile; }
  __device__ int pairs() const { return (w_blocks() + kCluster - 1) / kCluster; }
  template <typename C>
  __device__ int tiles() const { return pairs() * ((out.m + C::kN - 1) / C::kN); }
};

template <typename C>
__device__ __forceinline__ void produce(const Int4Fp8Problem& p, const C plan) {
  constexpr int kHalf = C::kN / kCluster;
  constexpr uint16_t kAll = (1 << kCluster) - 1;
  ptx::wait_for_predecessor();
  Ring<C::kStages> ring;
  const Barriers<C::kStages> barriers = plan.barriers();
  const int rank = cluster_rank(), pairs = p.pairs(), tiles = p.tiles<C>(), blocks = p.k_blocks();
  for (int index = blockIdx.x / kCluster; index < tiles; index += gridDim.x / kCluster) {
    const Tile tile = tile_at(index, pairs, tiles / pairs);
    const int first = tile.second * C::kN + rank * kHalf;
    Rows low = rows_of(p.x, p.x_blocks(), blocks, first, kHalf);
    Rows high = rows_of(p.x, p.x_blocks(), blocks, first + low.bytes / kRowBytes, kHalf - low.bytes / kRowBytes);
    const uint8_t* weights =
        p.weights + static_cast<long long>(min(tile.first * kCluster + rank, p.w_blocks() - 1)) * blocks * C::kWeightBytes;
#pragma unroll 1
    for (int k = 0; k < blocks; k++) {
      ptx::barrier_wait(barriers.free(ring.stage), ring.parity ^ 1);
      const uint32_t x = plan.x(ring.stage) + rank * kHalf * kRowBytes, full = barriers.full(ring.stage);
      ptx::barrier_arrive_expect(full, C::kXBytes + C::kWeightBytes);
      copy(plan.weights(ring.stage), weights, C::kWeightBytes, full);
      multicast_copy(x, low.from, low.bytes, full, kAll);
      if (high.bytes > 0) multicast_copy(x + low.bytes, high.from, high.bytes, full, kAll);
      weights += C::kWeightBytes;
      low.from += kBlockBytes;
      high.from += kBlockBytes;
      ring.next();
    }
  }
}

// A thread's part of a stage: codes, later as A fragments, and the scales of its two rows, a word a group.
template <typename C>
struct Int4Fp8Block {
  uint32_t words[8];
  uint32_t a[4][4];
  uint32_t scales[C::kGroups];

  __device__ __forceinline__ void unpack() {
#pragma unroll
    for (int i = 0; i < 4; i++) int4::unpack_8(words[2 * i], words[2 * i + 1], a[i]);
  }
};

template <typename C>
struct Int4Fp8Consumer {
  C plan;
  int warp, lane;
  Ring<C::kStages> ring;
  float part[C::kSums], sums[C::kSums];

  __device__ __forceinline__ void sync_warpgroup() const { ptx::named_sync(1 + warp / 4, 128); }

  // The stage at the ring's position.
  __device__ __forceinline__ void load(Int4Fp8Block<C>& to) {
    const int4::FragmentPlace place(plan.weights(ring.stage), C::kGroups, warp, lane);
    ptx::barrier_wait(plan.barriers().full(ring.stage), ring.parity);
    int4::load_shared_16(place.codes, to.words);
    int4::load_shared_16(place.codes + int4::kCodeBytes / 4, to.words + 4);
#pragma unroll
    for (int g = 0; g < C::kGroups; g++) to.scales[g] = ptx::load_4(place.scales + g * int4::kTile * 2);
  }

  // Starts the products of a group of a stage.
  __device__ __forceinline__ void start(int stage, int group, const Int4Fp8Block<C>& block) {
    const uint64_t descriptor = ptx::swizzled_descriptor(plan.x(stage));
    ptx::wgmma_fence();
#pragma unroll
    for (int i = 0; i < C::kSteps; i++) {
      const int step = group * C::kSteps + i;
      MmaRegisters<E4m3, C::kN>::run(part, block.a[step], descriptor + 2 * step, i > 0);
    }
    ptx::wgmma_commit();
  }

  // Waits for them, and adds them.
  __device__ __forceinline__ void finish(int group, Int4Fp8Block<C>& block) {
    ptx::wgmma_wait<0>();
#pragma unroll
    for (int i = 0; i < C::kSums; i++) ptx::hold(part[i]);
    ptx::hold(block.a);
    const float2 scale = int4::widen<int4::Type::kBf16>(block.scales[group]);
#pragma unroll
    for (int i = 0; i < C::kSums; i++) sums[i] = __fmaf_rn(part[i], i & 2 ? scale.y : scale.x, sums[i]);
  }

  // Starts to bring the scales of a tile's rows, behind the store of the tile before.
  __device__ __forceinline__ void fetch(const Output& out, int row) const {
    sync_warpgroup();
    for (int i = warp % 4 * 32 + lane; i < C::kN && row + i < out.m; i += 128) {
      ptx::copy_4(plan.scales(warp / 4) + 4 * i, out.x_scales + row + i);
    }
    ptx::copy_commit();
  }

  __device__ __forceinline__ void store(const Output& out, int row, int n) const {
    ptx::copy_wait<0>();
    sync_warpgroup();
    const uint32_t scales = plan.scales(warp / 4);
    store_columns(out, row, n, lane, sums, [scales](float sum, float bias, int inside) {
      const float scale = __uint_as_float(ptx::load_4(scales + 4 * inside));
      return __fmaf_rn(sum, __fmul_rn(scale, int4::kE4m3Unit), bias);
    });
  }

  // `between` runs beside the first products, and uses the sums of the tile before.
  template <typename Between>
  __device__ __forceinline__ void tile(int blocks, const Between& between) {
    Int4Fp8Block<C> block, next;
    load(block);
    block.unpack();
#pragma unroll 1
    for (int k = 0; k < blocks; k++) {
      const int stage = ring.stage;
      ring.next();
#pragma unroll
      for (int g = 0; g < C::kGroups; g++) {
        start(stage, g, block);
        if (g == 0 && k == 0) {
          between();
#pragma unroll
          for (int i = 0; i < C::kSums; i++) sums[i] = 0.0f;
        }
        if (g == C::kGroups - 1 && k + 1 < blocks) load(next);
        finish(g, block);
      }
      arrive_in_cluster(plan.barriers().free(stage), lane);
      block = next;
      block.unpack();
    }
  }
};

template <typename C>
__device__ __forceinline__ void int4_fp8_consume(const Int4Fp8Problem& p, Int4Fp8Consumer<C> consumer) {
  const int tiles = p.tiles<C>(), pairs = p.pairs();
  int done_row = -1, done_n = 0;
#pragma unroll
  for (int i = 0; i < C::kSums; i++) consumer.part[i] = 0.0f;
  for (int index = blockIdx.x / kCluster; index < tiles; index += gridDim.x / kCluster) {
    const Tile tile = tile_at(index, pairs, tiles / pairs);
    const int row = tile.second * C::kN;
    consumer.tile(p.k_blocks(), [&] {
      if (done_row >= 0) consumer.store(p.out, done_row, done_n);
      consumer.fetch(p.out, row);
    });
    done_row = row;
    done_n = (tile.first * kCluster + cluster_rank()) * int4::kTile + consumer.warp * 16 + consumer.lane / 4 * 2;
  }
  if (done_row >= 0) consumer.store(p.out, done_row, done_n);
}

// Grid: clusters of two, any number; C::kBytes of shared memory.
template <typename C>
__device__ __forceinline__ void int4_fp8_gemm(const Int4Fp8Problem& p) {
  extern __shared__ __align__(1024) uint8_t shared[];
  const C plan{ptx::shared_address(shared)};
  const int thread = static_cast<int>(threadIdx.x);
  if (thread == 0) {
    if ((plan.base & 1023) != 0) __trap();
    plan.barriers().init(kCluster * kConsumerWarps);
    ptx::barrier_init_fence();
  }
  __syncthreads();
  ptx::cluster_sync();
  ptx::launch_dependents();
  if (thread < kProducerThreads) {
    ptx::fewer_registers<kProducerRegisters>();
    if (thread == 0) produce(p, plan);
  } else {
    ptx::more_registers<kConsumerRegisters>();
    ptx::wait_for_predecessor();
    int4_fp8_consume(p, Int4Fp8Consumer<C>{plan, (thread - kProducerThreads) / 32, thread % 32, {}, {}, {}});
  }
  ptx::cluster_sync();   // no block leaves while the other may still write to it
}

}  // namespace gemm_prefill
