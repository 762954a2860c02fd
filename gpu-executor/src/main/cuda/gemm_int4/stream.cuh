// The int4 GEMM: one thread block a row of weight blocks (128 outputs), or a cluster of S blocks when K is split.
//
//   warp 0, one thread   streams weight blocks into a ring by bulk copies; starts before the predecessor kernel is done
//   warp 1, one thread   brings 128 columns of X at a time into a second ring, by a tensor map
//   warpgroups 1, 2      64 outputs each: codes to registers, unpacked to A fragments, wgmma with X, group sums times scales
//
// Sum of one output: groups in the order of K within the block's share of K, each group summed by the tensor core from zero and
// then added with one fma; shares in the order of K. The order depends on N, K and G alone, never on M or the row.
#pragma once

#include "../include/ptx.cuh"
#include "../include/ring.cuh"
#include "layout.cuh"
#include "mma.cuh"
#include "unpack.cuh"

namespace gemm_int4 {

constexpr int kProducerThreads = 128;
constexpr int kConsumerWarps = 8;
constexpr int kThreads = kProducerThreads + 32 * kConsumerWarps;

constexpr int kMultiprocessorBytes = 228 * 1024;   // shared memory; each block there takes 1 KB for the system

__host__ __device__ constexpr int blocks_per_multiprocessor(int n) { return n <= 32 ? 2 : 1; }

// The most warps whose sums one block of a cluster of `split` completes.
__host__ __device__ constexpr int owned_warps(int split) { return (kConsumerWarps + split - 1) / split; }

// Sizes and places in shared memory of one variant: kGroup columns a scale, kN activation rows (padded), kSplit blocks along K.
template <Type type, int kGroup, int kN, int kSplit>
struct Plan {
  static constexpr int kElementBytes = type == Type::kE4m3 ? 1 : 2;
  static constexpr int kXStageBytes = kN * kTile * kElementBytes;
  static constexpr int kXStages = (kN == 8 ? 10 : kN == 16 ? 8 : kN == 32 ? 4 : kN == 64 ? 5 : 3) *
                                  (kElementBytes == 1 && kN >= 32 ? 2 : 1);
  static constexpr int kWeightStageBytes = block_bytes(kGroup, true);
  static constexpr int kShareBytes = kSplit == 1 ? 0 : 64 * kN * kSplit * owned_warps(kSplit);   // fp32 sums of all shares
  static constexpr int kBudget = kMultiprocessorBytes / blocks_per_multiprocessor(kN) - 1024;
  static constexpr int kRoom = (kBudget - kXStages * kXStageBytes - kShareBytes - 512) / kWeightStageBytes;
  static constexpr int kWeightStages = kRoom < 16 ? kRoom : 16;

  static constexpr int kWeights = kXStages * kXStageBytes;         // X first: it needs 1024-byte alignment
  static constexpr int kShares = kWeights + kWeightStages * kWeightStageBytes;
  static constexpr int kBarriers = kShares + kShareBytes;
  static constexpr int kBytes = kBarriers + 16 * (kXStages + kWeightStages) + 8;
  static_assert(kWeightStages >= 3 && kBytes <= kBudget, "shared memory");

  uint32_t base;
  __device__ uint32_t x(int stage) const { return base + stage * kXStageBytes; }
  __device__ uint32_t weights(int stage) const { return base + kWeights + stage * kWeightStageBytes; }
  __device__ uint32_t shares() const { return base + kShares; }
  __device__ uint32_t weights_full(int stage) const { return base + kBarriers + 8 * stage; }
  __device__ uint32_t weights_free(int stage) const { return weights_full(kWeightStages + stage); }
  __device__ uint32_t x_full(int stage) const { return weights_full(2 * kWeightStages + stage); }
  __device__ uint32_t x_free(int stage) const { return weights_full(2 * kWeightStages + kXStages + stage); }
  __device__ uint32_t shares_full() const { return weights_full(2 * (kWeightStages + kXStages)); }
};

// X [M, K] is a tensor map of boxes of M rows by 128 bytes; Y [M, N] row-major; weights as in layout.cuh. x_scales [M]: e4m3 only, else null.
// bias [N] fp32 or null.
// y_type: 0 bf16, 1 fp16, 2 fp32.
constexpr int kTypeMask = 3;
constexpr int kGate = 4;   // rows 2 i and 2 i + 1 are gate and up: Y [M, N / 2] = silu(gate) * up

struct Problem {
  const uint8_t* weights;
  const float* x_scales;
  const float* bias;
  const void* residual;
  void* y;
  int m, n, k;
  bool asymmetric;
  int y_type;   // a type, and kGate

  __device__ int vectors() const { return (m + 7) / 8; }   // of 8 activation rows
};

using ring::Ring;

template <typename P>
__device__ __forceinline__ void produce_weights(const P plan, const uint8_t* from, int bytes, int blocks) {
  const uint64_t policy = ptx::evict_first_policy();
  Ring<P::kWeightStages> ring;
  for (int i = 0; i < blocks; i++) {
    // A fresh barrier passes the wait for parity 1.
    ptx::barrier_wait(plan.weights_free(ring.stage), ring.parity ^ 1);
    ptx::barrier_arrive_expect(plan.weights_full(ring.stage), bytes);
    ptx::bulk_copy(plan.weights(ring.stage), from + static_cast<long long>(i) * bytes, bytes, plan.weights_full(ring.stage),
                   policy);
    ring.next();
  }
}

// 128 columns of X a stage: halves of 64 columns with 16-bit X, rows of 128 bytes swizzled for wgmma, zeros behind K. Rows m.. keep what was
// there: a column of B reaches only its own column of D, which is not stored. One thread.
template <typename P>
__device__ __forceinline__ void produce_x(const P plan, const void* x, int m, int first_block, int blocks) {
  constexpr int kHalfBytes = P::kXStageBytes / P::kElementBytes;
  ptx::prefetch_tensor_map(x);
  ptx::wait_for_predecessor();
  Ring<P::kXStages> ring;
  for (int i = 0; i < blocks; i++) {
    ptx::barrier_wait(plan.x_free(ring.stage), ring.parity ^ 1);
    const uint32_t full = plan.x_full(ring.stage);
    ptx::barrier_arrive_expect(full, m * kTile * P::kElementBytes);
#pragma unroll
    for (int half = 0; half < P::kElementBytes; half++) {
      ptx::tensor_copy(plan.x(ring.stage) + half * kHalfBytes, x, ((first_block + i) * P::kElementBytes + half) * 128, 0, full);
    }
    ring.next();
  }
}

// A thread's part of a weight block: eight words of codes, and per group the scales and zero points of its two rows.
template <int kGroups>
struct Fragment {
  uint32_t words[8];
  uint32_t scales[kGroups];
  uint32_t zeros[kGroups];
};

__device__ __forceinline__ void load_shared_16(uint32_t address, uint32_t* to) {
  asm volatile("ld.shared.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(address)
               : "memory");
}

// Where a thread finds its part of the block in stage 0 of the ring.
struct FragmentPlace {
  uint32_t codes, scales, zeros;

  __device__ FragmentPlace(uint32_t ring, int groups, int warp, int lane) {
    const int row = warp * 16 + lane / 4 * 2;
    codes = ring + warp / 4 * (kCodeBytes / 2) + (warp % 4 * 32 + lane) * 16;
    scales = ring + kCodeBytes + row * 2;
    zeros = ring + kCodeBytes + groups * kTile * 2 + row;
  }
};

// Takes a block out of the ring and frees its stage.
template <typename P, int kGroups>
__device__ __forceinline__ void load_fragment(const P plan, const FragmentPlace& place, Ring<P::kWeightStages>& ring,
                                              bool asymmetric, int lane, Fragment<kGroups>& to) {
  ptx::barrier_wait(plan.weights_full(ring.stage), ring.parity);
  const uint32_t offset = ring.stage * P::kWeightStageBytes;
  load_shared_16(place.codes + offset, to.words);
  load_shared_16(place.codes + offset + kCodeBytes / 4, to.words + 4);
#pragma unroll
  for (int g = 0; g < kGroups; g++) {
    to.scales[g] = ptx::load_4(place.scales + offset + g * kTile * 2);
    if (asymmetric) to.zeros[g] = ptx::load_2(place.zeros + offset + g * kTile);
  }
  __syncwarp();
  if (lane == 0) ptx::barrier_arrive(plan.weights_free(ring.stage));
  ring.next();
}

}  // namespace gemm_int4
