// The int4 GEMM: one thread block a row of weight blocks (128 outputs), or a cluster of S blocks when K is split.
//
//   warp 0, one thread   streams weight blocks into a ring by bulk copies; starts before the predecessor kernel is done
//   warps 1..3           bring 128 columns of X at a time into a second ring, swizzled for wgmma
//   warpgroups 1, 2      64 outputs each: codes to registers, unpacked to A fragments, wgmma with X, group sums times scales
//
// Sum of one output: groups in the order of K within the block's share of K, each group summed by the tensor core from zero and
// then added with one fma; shares in the order of K. The order depends on N, K and G alone, never on M or the row.
#pragma once

#include "../include/ptx.cuh"
#include "layout.cuh"
#include "mma.cuh"
#include "unpack.cuh"

namespace gemm_int4 {

constexpr int kProducerThreads = 128;
constexpr int kCopyThreads = 96;     // warps 1..3
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

// X [M, K], Y [M, N], both row-major; weights as in layout.cuh. x_scales [M]: e4m3 only, else null. bias [N] fp32 or null.
// y_type: 0 bf16, 1 fp16, 2 fp32.
struct Problem {
  const uint8_t* weights;
  const void* x;
  const float* x_scales;
  const float* bias;
  void* y;
  int m, n, k;
  bool asymmetric;
  int y_type;

  __device__ int vectors() const { return (m + 7) / 8; }   // of 8 activation rows
};

// A ring's position: the stage, and the parity of the phase that is waited for.
template <int kStages>
struct Ring {
  int stage = 0;
  uint32_t parity = 0;
  __device__ __forceinline__ void next() {
    if (++stage == kStages) {
      stage = 0;
      parity ^= 1;
    }
  }
};

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

// Arrives at the barrier when all copies of this thread so far have landed. Whoever waits there must fence the proxies itself.
__device__ __forceinline__ void arrive_when_copied(uint32_t barrier) {
  asm volatile("cp.async.mbarrier.arrive.noinc.shared::cta.b64 [%0];" ::"r"(barrier) : "memory");
}

// A thread copies one 16-byte chunk of every kRowStep-th row of a stage. Rows m.. keep what was there: a column of B reaches only
// its own column of D, which is not stored.
template <typename P>
__device__ __forceinline__ void produce_x(const P plan, const Problem& p, int first_block, int blocks, int thread) {
  constexpr int kChunks = kTile * P::kElementBytes / 16, kRowStep = kCopyThreads / kChunks;
  static_assert(kCopyThreads % kChunks == 0, "a thread keeps its chunk");
  const int chunk = thread % kChunks, first_row = thread / kChunks;
  const long long row_bytes = static_cast<long long>(p.k) * P::kElementBytes;
  const char* from = static_cast<const char*>(p.x) + first_row * row_bytes + first_block * (kTile * P::kElementBytes) + chunk * 16;
  int left = static_cast<int>(row_bytes) - first_block * (kTile * P::kElementBytes) - chunk * 16;   // bytes of K from there on
  const uint32_t chunk_rows = chunk / 8 * (P::kXStageBytes / P::kElementBytes);
  ptx::wait_for_predecessor();
  Ring<P::kXStages> ring;
  for (int i = 0; i < blocks; i++) {
    ptx::barrier_wait(plan.x_free(ring.stage), ring.parity ^ 1);
    const uint32_t rows = plan.x(ring.stage) + chunk_rows;
    const char* row_from = left > 0 ? from : static_cast<const char*>(p.x);   // nothing is read beyond K
#pragma unroll 2
    for (int row = first_row; row < p.m; row += kRowStep) {
      ptx::copy_16(rows + row * 128 + ((chunk ^ row) & 7) * 16, row_from, left > 0 ? 16 : 0);
      row_from += kRowStep * row_bytes;
    }
    arrive_when_copied(plan.x_full(ring.stage));
    from += kTile * P::kElementBytes;
    left -= kTile * P::kElementBytes;
    ring.next();
  }
  ptx::copy_commit();   // no thread leaves before its copies have landed
  ptx::copy_wait<0>();
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

__device__ __forceinline__ uint32_t load_shared_4(uint32_t address) {
  uint32_t value;
  asm volatile("ld.shared.u32 %0, [%1];" : "=r"(value) : "r"(address) : "memory");
  return value;
}

__device__ __forceinline__ uint32_t load_shared_2(uint32_t address) {
  uint16_t value;
  asm volatile("ld.shared.u16 %0, [%1];" : "=h"(value) : "r"(address) : "memory");
  return value;
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
    to.scales[g] = load_shared_4(place.scales + offset + g * kTile * 2);
    if (asymmetric) to.zeros[g] = load_shared_2(place.zeros + offset + g * kTile);
  }
  __syncwarp();
  if (lane == 0) ptx::barrier_arrive(plan.weights_free(ring.stage));
  ring.next();
}

}  // namespace gemm_int4
