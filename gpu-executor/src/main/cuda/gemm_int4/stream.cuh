// The int4 GEMM: one thread block a row of 64 or 128 outputs, or a cluster of S blocks when K is split. Up to 16 rows of X blocks are
// small, up to six a multiprocessor: the fewer rows a block has, the evener do blocks fill the card, and the unpacking, which bounds the
// multiprocessors then, has as many warps to hide behind.
//
//   warpgroup 0 (and 1)  64 outputs each: codes to registers, unpacked to A fragments, wgmma with X (mma.sync up to 8 rows of 16 bits),
//                        group sums times scales
//   last warp, a thread  streams weight blocks (a half of each, where a block has 64 outputs) by bulk copies, and 128 columns of X by a
//                        tensor map into the same stage of a ring; the first weights before the predecessor kernel is done
//
// Sum of one output: groups in the order of K within the block's share of K, each group summed by the tensor core from zero and
// then added with one fma; shares in the order of K. The order depends on N, K and G alone, never on M or the row.
#pragma once

#include "fragment.cuh"
#include "split.cuh"

namespace gemm_int4 {

// Outputs of a thread block, 64 a warpgroup.
__host__ __device__ constexpr int block_rows(int n) { return n <= 16 ? 64 : kTile; }

// Four warps for 64 outputs, and the producer; for 128 rows of X a warpgroup that gives its registers to the others.
__host__ __device__ constexpr int block_threads(int n) { return block_rows(n) * 2 + (n == 128 ? 128 : 32); }

// Sizes and places in shared memory of one variant: kGroup columns a scale, kN activation rows (padded), kSplit blocks along K.
template <Type type, int kGroup, int kN, int kSplit>
struct Plan {
  static constexpr int kElementBytes = type == Type::kE4m3 ? 1 : 2;
  static constexpr int kWarps = block_rows(kN) / 16;
  static constexpr int kOwned = (kWarps + kSplit - 1) / kSplit;   // the most warps whose sums one block of a cluster completes
  static constexpr int kXStageBytes = kN * kTile * kElementBytes;
  static constexpr int kBlockCodeBytes = block_rows(kN) * (kTile / 2);
  static constexpr int kWeightStageBytes = kBlockCodeBytes + scale_bytes(kGroup) + zero_bytes(kGroup);
  static constexpr int kShareBytes = kSplit == 1 ? 0 : 64 * kN * kSplit * kOwned;   // fp32 sums of all shares
  static constexpr int kBudget = shared_bytes(most_blocks(kN));   // a launch may ask for more, so that fewer find a place
  static constexpr int kRoom = (kBudget - kShareBytes - 512) / (kXStageBytes + kWeightStageBytes);
  static constexpr int kStages = kRoom < 16 ? kRoom : 16;

  static constexpr int kWeights = kStages * kXStageBytes;         // X first: it needs 1024-byte alignment
  static constexpr int kShares = kWeights + kStages * kWeightStageBytes;
  static constexpr int kBarriers = kShares + kShareBytes;
  static constexpr int kBytes = kBarriers + 16 * kStages + 8;
  static_assert(kStages >= 3 && kBytes <= kBudget, "shared memory");

  uint32_t base;
  __device__ uint32_t x(int stage) const { return base + stage * kXStageBytes; }
  __device__ uint32_t weights(int stage) const { return base + kWeights + stage * kWeightStageBytes; }
  __device__ uint32_t shares() const { return base + kShares; }
  __device__ uint32_t full(int stage) const { return base + kBarriers + 8 * stage; }
  __device__ uint32_t free(int stage) const { return full(kStages + stage); }
  __device__ uint32_t shares_full() const { return full(2 * kStages); }
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

// What one thread block multiplies: `blocks` weight blocks from the first one on, which lies at `weights`; `half` of each.
template <typename P>
struct Share {
  const uint8_t* weights;
  int bytes, half, first, blocks;

  // Asks for the codes, scales and zero points of block i, and makes the stage wait for them and for X.
  __device__ __forceinline__ void ask_weights(const P plan, int i, int stage, int x_bytes, uint64_t policy) const {
    const uint8_t* from = weights + static_cast<long long>(i) * bytes;
    const uint32_t full = plan.full(stage), to = plan.weights(stage);
    const int behind = bytes - kCodeBytes;
    ptx::barrier_arrive_expect(full, x_bytes + P::kBlockCodeBytes + behind);
    if constexpr (P::kBlockCodeBytes == kCodeBytes) {
      ptx::bulk_copy(to, from, bytes, full, policy);
    } else {
      ptx::bulk_copy(to, from + half * P::kBlockCodeBytes, P::kBlockCodeBytes, full, policy);
      ptx::bulk_copy(to + P::kBlockCodeBytes, from + kCodeBytes, behind, full, policy);
    }
  }

  // 128 columns of X: halves of 64 columns with 16-bit X, rows of 128 bytes swizzled for wgmma, zeros behind K. Rows m.. keep what was
  // there: a column of B reaches only its own column of D, which is not stored.
  __device__ __forceinline__ void ask_x(const P plan, const void* x, int i, int stage) const {
    constexpr int kHalfBytes = P::kXStageBytes / P::kElementBytes;
#pragma unroll
    for (int part = 0; part < P::kElementBytes; part++) {
      ptx::tensor_copy(plan.x(stage) + part * kHalfBytes, x, ((first + i) * P::kElementBytes + part) * 128, 0, plan.full(stage));
    }
  }
};

template <typename P>
__device__ __forceinline__ int bytes_of_x(int m) {
  return m * kTile * P::kElementBytes;
}

// Asks for the weights that fit in the ring, which depend on no predecessor kernel. One thread, when the barriers are made.
template <typename P>
__device__ __forceinline__ void fill_with_weights(const P plan, int m, const Share<P>& share) {
  const uint64_t policy = ptx::evict_first_policy();
  for (int i = 0; i < min(share.blocks, P::kStages); i++) share.ask_weights(plan, i, i, bytes_of_x<P>(m), policy);
}

// X for these, and then weights and X whenever a stage is free. One thread.
template <typename P>
__device__ __forceinline__ void produce(const P plan, const void* x, int m, const Share<P>& share) {
  const uint64_t policy = ptx::evict_first_policy();
  const int ahead = min(share.blocks, P::kStages);
  ptx::prefetch_tensor_map(x);
  ptx::wait_for_predecessor();
  for (int i = 0; i < ahead; i++) share.ask_x(plan, x, i, i);
  Ring<P::kStages> ring;
  for (int i = ahead; i < share.blocks; i++) {
    ptx::barrier_wait(plan.free(ring.stage), ring.parity);
    share.ask_weights(plan, i, ring.stage, bytes_of_x<P>(m), policy);
    share.ask_x(plan, x, i, ring.stage);
    ring.next();
  }
}

}  // namespace gemm_int4
