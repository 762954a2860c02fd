// The producers: one thread streams weights by bulk copies, one activations by a tensor map; with block scales a warp brings in those
// of the activations.
#pragma once

#include "layout.cuh"
#include "ptx.cuh"
#include "trace.cuh"

namespace gemm_decode {

// A place in the ring: slot `index` is used for the (round + 1)-th time.
struct Cursor {
  int index = 0;
  uint32_t round = 0;

  __device__ __forceinline__ void advance(int stages) {
    if (++index == stages) {
      index = 0;
      round++;
    }
  }
};

struct Ring {
  uint32_t base;  // shared address of the block's shared memory
  int stages;
  SharedLayout at;

  __device__ uint32_t full(int slot) const { return base + slot * 8; }
  __device__ uint32_t empty(int slot) const { return base + (kMaxStages + slot) * 8; }
  __device__ uint32_t shares_full() const { return base + 2 * kMaxStages * 8; }
  __device__ uint32_t x(int slot) const { return base + at.x + slot * at.x_slot; }
  __device__ uint32_t w(int slot) const { return base + at.w + slot * at.w_slot; }

  // A slot is full after the arrivals of `producers` threads, two of them with the bytes of W and X, empty after `consumers` arrivals.
  // The shares' barrier has one phase, of `share_bytes` bytes.
  __device__ void init(int producers, int consumers, int share_bytes) const {
    for (int slot = 0; slot < stages; slot++) {
      ptx::barrier_init(full(slot), producers);
      ptx::barrier_init(empty(slot), consumers);
    }
    ptx::barrier_init(shares_full(), 1);
    ptx::barrier_init_fence();
    ptx::barrier_arrive_expect(shares_full(), share_bytes);
  }
};

// Waits until the consumers have left the slot.
__device__ __forceinline__ void wait_empty(const Ring& ring, const Cursor& cursor) {
  if (cursor.round > 0) ptx::barrier_wait(ring.empty(cursor.index), (cursor.round - 1) & 1);
}

// Calls `fill(slot's barrier, slot, block)` for the part's blocks of K [begin, end), each when its slot is free; `cursor` stands at `begin`.
template <typename Fill>
__device__ __forceinline__ void for_each_block(const Ring& ring, Cursor& cursor, int begin, int end, const Fill& fill) {
  for (int block = begin; block < end; block++) {
    wait_empty(ring, cursor);
    fill(ring.full(cursor.index), cursor.index, block);
    cursor.advance(ring.stages);
  }
}

// Streams weights. One thread.
__device__ __forceinline__ void stream_weights(const Ring& ring, const Part& part, Cursor& cursor, int begin, int end) {
  const uint64_t policy = ptx::evict_first_policy();
  for_each_block(ring, cursor, begin, end, [&](uint32_t full, int slot, int block) {
    const uint8_t* from = part.w + static_cast<long long>(block) * part.block_step;
    ptx::barrier_arrive_expect(full, part.rows * kBlockBytes);
    for (int row = 0; row < part.rows; row += part.copy_rows, from += part.tile_step) {
      ptx::bulk_copy(ring.w(slot) + row * kBlockBytes, from, min(part.copy_rows, part.rows - row) * kBlockBytes, full, policy);
    }
  });
}

// Streams X, rows 0..M-1 of 128 bytes, 16-byte pieces permuted as wgmma's 128-byte swizzle wants them, bytes behind K as zeros. One thread.
__device__ __forceinline__ void stream_activations(const Problem& problem, const void* x, const Ring& ring, const Part& part) {
  ptx::prefetch_tensor_map(x);
  ptx::wait_for_predecessor();
  TRACE(problem.flags, true, kPredecessorDone);
  Cursor cursor;
  for_each_block(ring, cursor, 0, part.blocks, [&](uint32_t full, int slot, int block) {
    ptx::barrier_arrive_expect(full, problem.m * kBlockBytes);
    ptx::tensor_copy(ring.x(slot), x, (part.first_block + block) * kBlockBytes, 0, full);
  });
}

// Brings the M scales of every block into its slot, `slot_bytes` a slot. One warp.
__device__ __forceinline__ void load_activation_scales(const Problem& problem, const Ring& ring, const Part& part, int k_blocks,
                                                       int slot_bytes) {
  const int lane = threadIdx.x % 32;
  ptx::wait_for_predecessor();
  Cursor cursor;
  for_each_block(ring, cursor, 0, part.blocks, [&](uint32_t full, int slot, int block) {
    const float* scale = problem.scale_x + part.first_block + block;
    const uint32_t to = ring.base + ring.at.scale_x + slot * slot_bytes;
    for (int row = lane; row < problem.m; row += 32) ptx::copy_4(to + row * 4, scale + static_cast<long long>(row) * k_blocks);
    ptx::copy_arrive(full);
  });
}

}  // namespace gemm_decode
