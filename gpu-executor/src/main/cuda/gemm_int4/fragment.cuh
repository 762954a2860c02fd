// A weight block in shared memory to registers: what decoding and prefill share.
#pragma once

#include "../include/ptx.cuh"
#include "../include/ring.cuh"
#include "layout.cuh"
#include "mma.cuh"
#include "unpack.cuh"

namespace gemm_int4 {

using ring::Ring;

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

// Where a thread finds its part of the block in stage 0 of a ring: codes of a whole block or of one of its halves, then scales and
// zero points of the whole block.
struct FragmentPlace {
  uint32_t codes, scales, zeros;

  __device__ FragmentPlace(uint32_t ring, int groups, int warp, int lane) : FragmentPlace(ring, ring + kCodeBytes, groups, warp, lane, 0) {}

  // `half` 1: the codes in `ring` are those of rows 64 to 127.
  __device__ FragmentPlace(uint32_t ring, uint32_t behind_codes, int groups, int warp, int lane, int half) {
    const int row = half * 64 + warp * 16 + lane / 4 * 2;
    codes = ring + warp / 4 * (kCodeBytes / 2) + (warp % 4 * 32 + lane) * 16;
    scales = behind_codes + row * 2;
    zeros = behind_codes + groups * kTile * 2 + row;
  }
};

// The part of the block that lies `offset` bytes behind stage 0.
template <int kGroups>
__device__ __forceinline__ void load_fragment(const FragmentPlace& place, uint32_t offset, bool asymmetric, Fragment<kGroups>& to) {
  load_shared_16(place.codes + offset, to.words);
  load_shared_16(place.codes + offset + kCodeBytes / 4, to.words + 4);
#pragma unroll
  for (int g = 0; g < kGroups; g++) {
    to.scales[g] = ptx::load_4(place.scales + offset + g * kTile * 2);
    if (asymmetric) to.zeros[g] = ptx::load_2(place.zeros + offset + g * kTile);
  }
}

// Takes a block out of a ring of weights alone and frees its stage.
template <typename P, int kGroups>
__device__ __forceinline__ void take_fragment(const P plan, const FragmentPlace& place, Ring<P::kWeightStages>& ring,
                                              bool asymmetric, int lane, Fragment<kGroups>& to) {
  ptx::barrier_wait(plan.weights_full(ring.stage), ring.parity);
  load_fragment(place, ring.stage * P::kWeightStageBytes, asymmetric, to);
  __syncwarp();
  if (lane == 0) ptx::barrier_arrive(plan.weights_free(ring.stage));
  ring.next();
}

}  // namespace gemm_int4
