// int4 weights in registers: Y = X W^T with 16-bit X and W in the tiled int4 layout of gemm_int4/layout.cuh. A tile is 128 rows
// of W (the wgmma A operand) and 256 rows of X (B, shared memory); two blocks a cluster share the rows of X.
//
//   thread 0             128 rows of X, 64 columns at a time, for both blocks of the cluster
//   thread 32            blocks of 128 x 128 codes, for this block
//   warpgroups 1, 2      64 rows of W each: codes to 16-bit fragments while the tensor core works on the 64 columns before
//
// With 128 sums a thread there are no registers for group sums, so the weight itself is scaled: (q - z) s rounded once to the
// type of X, which is how compressed-tensors dequantizes. The sum runs over K in order, in fp32, in the tensor core.
#pragma once

#include "../gemm_int4/fragment.cuh"
#include "mma.cuh"
#include "pipeline.cuh"

namespace gemm_prefill {

namespace int4 = gemm_int4;

template <int4::Type type_, int kGroup_>
struct Int4Config {
  static constexpr int4::Type type = type_;
  using Type = std::conditional_t<type == int4::Type::kBf16, Bf16, Fp16>;
  static constexpr int kGroup = kGroup_, kGroups = int4::kTile / kGroup;
  static constexpr int kXRows = 256, kXStages = 5, kXStageBytes = kXRows * kRowBytes;
  static constexpr int kWeightStageBytes = int4::block_bytes(kGroup, true);
  static constexpr int kWeightStages = (kSharedBytes - 256 - kXStages * kXStageBytes) / kWeightStageBytes;
  static constexpr int kBytes = kXStages * kXStageBytes + kWeightStages * kWeightStageBytes + 16 * (kXStages + kWeightStages);
  static_assert(kWeightStages >= 3 && kBytes <= kSharedBytes, "shared memory");

  uint32_t base;
  __device__ uint32_t x(int stage) const { return base + stage * kXStageBytes; }
  __device__ uint32_t weights(int stage) const { return x(kXStages) + stage * kWeightStageBytes; }
  __device__ Barriers<kXStages> x_barriers() const { return {weights(kWeightStages)}; }
  __device__ uint32_t weights_full(int stage) const { return weights(kWeightStages) + 16 * kXStages + 8 * stage; }
  __device__ uint32_t weights_free(int stage) const { return weights_full(kWeightStages + stage); }
};

// x tiled (tiling.cuh), weights tiled (gemm_int4/layout.cuh). Scales are in the weights.
struct Int4Problem {
  const uint8_t* x;
  const uint8_t* weights;
  Output out;
  int k;
  bool asymmetric;

  __device__ int row_tiles() const { return (out.m + kRows - 1) / kRows; }
  __device__ int column_tiles() const { return (out.n + int4::kTile - 1) / int4::kTile; }
  __device__ int pairs() const { return (column_tiles() + kCluster - 1) / kCluster; }
  __device__ int tiles() const { return pairs() * ((row_tiles() + 1) / 2); }
  __device__ int x_blocks() const { return (k + 63) / 64; }
  __device__ int w_blocks() const { return (k + int4::kTile - 1) / int4::kTile; }
};

template <typename C>
__device__ __forceinline__ void produce_x(const Int4Problem& p, const C plan) {
  constexpr uint16_t kAll = (1 << kCluster) - 1;
  ptx::wait_for_predecessor();
  Ring<C::kXStages> ring;
  const Barriers<C::kXStages> barriers = plan.x_barriers();
  const int rank = cluster_rank(), pairs = p.pairs(), tiles = p.tiles();
  for (int index = blockIdx.x / kCluster; index < tiles; index += gridDim.x / kCluster) {
    const Tile tile = tile_at(index, pairs, tiles / pairs);
    const uint8_t* from =
        p.x + static_cast<long long>(min(tile.second * 2 + rank, p.row_tiles() - 1)) * p.x_blocks() * kBlockBytes;
#pragma unroll 1
    for (int k = 0; k < p.x_blocks(); k++) {
      ptx::barrier_wait(barriers.free(ring.stage), ring.parity ^ 1);
      ptx::barrier_arrive_expect(barriers.full(ring.stage), C::kXStageBytes);
      multicast_copy(plan.x(ring.stage) + rank * kBlockBytes, from, kBlockBytes, barriers.full(ring.stage), kAll);
      from += kBlockBytes;
      ring.next();
    }
  }
}

template <typename C>
__device__ __forceinline__ void produce_weights(const Int4Problem& p, const C plan) {
  int4::Ring<C::kWeightStages> ring;
  const int bytes = int4::block_bytes(C::kGroup, p.asymmetric);
  const int rank = cluster_rank(), pairs = p.pairs(), tiles = p.tiles();
  for (int index = blockIdx.x / kCluster; index < tiles; index += gridDim.x / kCluster) {
    const Tile tile = tile_at(index, pairs, tiles / pairs);
    const uint8_t* from =
        p.weights + static_cast<long long>(min(tile.first * kCluster + rank, p.column_tiles() - 1)) * p.w_blocks() * bytes;
#pragma unroll 1
    for (int k = 0; k < p.w_blocks(); k++) {
      ptx::barrier_wait(plan.weights_free(ring.stage), ring.parity ^ 1);
      ptx::barrier_arrive_expect(plan.weights_full(ring.stage), bytes);
      copy(plan.weights(ring.stage), from, bytes, plan.weights_full(ring.stage));
      from += bytes;
      ring.next();
    }
  }
}

template <int4::Type type>
__device__ __forceinline__ uint32_t multiply_pair(uint32_t a, uint32_t b) {
  uint32_t product;
  if constexpr (type == int4::Type::kBf16) {
    asm("mul.rn.bf16x2 %0, %1, %2;" : "=r"(product) : "r"(a), "r"(b));
  } else {
    asm("mul.rn.f16x2 %0, %1, %2;" : "=r"(product) : "r"(a), "r"(b));
  }
  return product;
}

// The scaled fragments of 64 of a block's 128 columns.
template <typename C>
__device__ __forceinline__ void unpack_half(const int4::Fragment<C::kGroups>& block, bool asymmetric, int half,
                                            uint32_t (&a)[4][4]) {
#pragma unroll
  for (int i = 0; i < 4; i++) {
    const int step = 4 * half + i, group = step * 16 / C::kGroup;
    const int4::Offsets minus = asymmetric ? int4::offsets<C::type>(block.zeros[group]) : int4::symmetric_offsets<C::type>();
    const uint32_t scales[2] = {__byte_perm(block.scales[group], 0, 0x1010), __byte_perm(block.scales[group], 0, 0x3232)};
    int4::unpack_16<C::type>(block.words[step], minus, a[i]);
#pragma unroll
    for (int j = 0; j < 4; j++) a[i][j] = multiply_pair<C::type>(a[i][j], scales[j & 1]);
  }
}

template <typename C>
struct Int4Consumer {
  C plan;
  int warp, lane;
  Ring<C::kXStages> ring;
  int4::Ring<C::kWeightStages> weights_ring;

  __device__ __forceinline__ void free_previous() {
    arrive_in_cluster(plan.x_barriers().free(ring.stage == 0 ? C::kXStages - 1 : ring.stage - 1), lane);
  }

  // Starts the products of 64 columns, and waits until those before are done: their stage is free, and so is `before`.
  __device__ __forceinline__ void multiply(uint32_t (&a)[4][4], uint32_t (&before)[4][4], bool first, float (&sums)[128]) {
    ptx::barrier_wait(plan.x_barriers().full(ring.stage), ring.parity);
    const uint64_t descriptor = ptx::swizzled_descriptor(plan.x(ring.stage));
    ptx::wgmma_fence();
#pragma unroll
    for (int i = 0; i < 4; i++) {
      MmaRegisters<typename C::Type, 256>::run(sums, a[i], descriptor + i * 2, !first || i > 0);
    }
    ptx::wgmma_commit();
    ptx::wgmma_wait<1>();
    ptx::hold(before);
    if (!first) free_previous();
    ring.next();
  }

  __device__ __forceinline__ void tile(const Int4Problem& p, float (&sums)[128]) {
    uint32_t even[4][4], odd[4][4] = {};
    int4::Fragment<C::kGroups> block;
    const int4::FragmentPlace place(plan.weights(0), C::kGroups, warp, lane);
    const int blocks = p.x_blocks();
    for (int k = 0; k < blocks; k += 2) {
      int4::take_fragment(plan, place, weights_ring, p.asymmetric, lane, block);
      unpack_half<C>(block, p.asymmetric, 0, even);
      multiply(even, odd, k == 0, sums);
      if (k + 1 == blocks) break;
      unpack_half<C>(block, p.asymmetric, 1, odd);
      multiply(odd, even, false, sums);
    }
    ptx::wgmma_wait<0>();
    ptx::hold(even);
    ptx::hold(odd);
#pragma unroll
    for (int i = 0; i < 128; i++) ptx::hold(sums[i]);
    free_previous();
  }
};

// Outputs of columns n, n + 1 and the lane's rows of a tile that begins at `row`: value(sum, bias, row of the tile).
template <int kSums, typename Value>
__device__ __forceinline__ void store_columns(const Output& out, int row, int n, int lane, const float (&sums)[kSums],
                                              const Value& value) {
  if (n >= out.n) return;
  const float2 bias = out.bias == nullptr ? make_float2(0.0f, 0.0f) : *reinterpret_cast<const float2*>(out.bias + n);
#pragma unroll
  for (int i = 0; i < kSums / 2; i++) {
    const int inside = lane % 4 * 2 + i / 2 * 8 + i % 2;
    if (row + inside >= out.m) continue;
    const float2 pair = make_float2(value(sums[i / 2 * 4 + i % 2], bias.x, inside),
                                    value(sums[i / 2 * 4 + 2 + i % 2], bias.y, inside));
    const long long at = static_cast<long long>(row + inside) * out.n + n;
    if (out.y_type == 2) {
      *reinterpret_cast<float2*>(static_cast<float*>(out.y) + at) = pair;
    } else {
      *reinterpret_cast<uint32_t*>(static_cast<uint16_t*>(out.y) + at) = out.pack(pair.x, pair.y);
    }
  }
}

template <typename C>
__device__ __forceinline__ void int4_consume(const Int4Problem& p, Int4Consumer<C> consumer) {
  float sums[128];
#pragma unroll
  for (int i = 0; i < 128; i++) sums[i] = 0.0f;
  const int tiles = p.tiles(), pairs = p.pairs();
  for (int index = blockIdx.x / kCluster; index < tiles; index += gridDim.x / kCluster) {
    const Tile tile = tile_at(index, pairs, tiles / pairs);
    consumer.tile(p, sums);
    const int n = (tile.first * kCluster + cluster_rank()) * int4::kTile + consumer.warp * 16 + consumer.lane / 4 * 2;
    store_columns(p.out, tile.second * C::kXRows, n, consumer.lane, sums,
                  [](float sum, float bias, int) { return __fadd_rn(sum, bias); });
  }
}

// Grid: clusters of two, any number; C::kBytes of shared memory.
template <typename C>
__device__ __forceinline__ void int4_gemm(const Int4Problem& p) {
  extern __shared__ __align__(1024) uint8_t shared[];
  const C plan{ptx::shared_address(shared)};
  const int thread = static_cast<int>(threadIdx.x);
  if (thread == 0) {
    if ((plan.base & 1023) != 0) __trap();
    plan.x_barriers().init(kCluster * kConsumerWarps);
    for (int i = 0; i < C::kWeightStages; i++) {
      ptx::barrier_init(plan.weights_full(i), 1);
      ptx::barrier_init(plan.weights_free(i), kConsumerWarps);
    }
    ptx::barrier_init_fence();
  }
  __syncthreads();
  ptx::cluster_sync();
  ptx::launch_dependents();
  if (thread < kProducerThreads) {
    ptx::fewer_registers<kProducerRegisters>();
    if (thread == 0) produce_x(p, plan);
    if (thread == 32) produce_weights(p, plan);
  } else {
    ptx::more_registers<kConsumerRegisters>();
    ptx::wait_for_predecessor();
    int4_consume(p, Int4Consumer<C>{plan, (thread - kProducerThreads) / 32, thread % 32, {}, {}});
  }
  ptx::cluster_sync();   // no block leaves while the other may still write to it
}

}  // namespace gemm_prefill
