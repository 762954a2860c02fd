// The producers: one thread streams weights by bulk copies, up to three warps bring in the activations.
#pragma once

#include "layout.cuh"
#include "ptx.cuh"
#include "trace.cuh"

namespace gemm_decode {

// A place in the ring: slot `index` is used for the (round + 1)-th time.
struct Cursor {
  int index;
  uint32_t round = 0;

  __device__ explicit Cursor(int first) : index(first) {}

  // `by` may exceed the number of stages.
  __device__ __forceinline__ void advance(int by, int stages) {
    index += by;
    while (index >= stages) {
      index -= stages;
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

  // A slot is full after the weight thread's arrival with its bytes and one X warp's arrival, empty after every consumer warp's.
  // The shares' barrier has one phase, of `share_bytes` bytes.
  __device__ void init(int consumer_warps, int share_bytes) const {
    for (int slot = 0; slot < stages; slot++) {
      ptx::barrier_init(full(slot), 2);
      ptx::barrier_init(empty(slot), consumer_warps);
    }
    ptx::barrier_init(shares_full(), 1);
    ptx::barrier_init_fence();
    ptx::barrier_arrive_expect(shares_full(), share_bytes);
  }
};

// Streams the blocks [begin, end) of the part; `cursor` stands at `begin`. One thread.
__device__ __forceinline__ void stream_weights(const Ring& ring, const Part& part, Cursor& cursor, int begin, int end) {
  const uint64_t policy = ptx::evict_first_policy();
  const uint32_t bytes = part.rows * kBlockBytes;
  const uint8_t* from = part.w + begin * part.w_step;
  for (int block = begin; block < end; block++, from += part.w_step) {
    if (cursor.round > 0) ptx::barrier_wait(ring.empty(cursor.index), (cursor.round - 1) & 1);
    ptx::barrier_arrive_expect(ring.full(cursor.index), bytes);
    ptx::bulk_copy(ring.w(cursor.index), from, bytes, ring.full(cursor.index), policy);
    cursor.advance(1, ring.stages);
  }
}

// Fills the ring's first round with X: all lanes of `warps` warps share the 16-byte pieces, one latency for all. Returns the blocks done.
__device__ __forceinline__ int load_first_activations(const Problem& problem, const Ring& ring, const Part& part, int k_bytes,
                                                      int warp, int warps) {
  constexpr int kLoaders = 2;  // named barrier
  const int blocks = min(ring.stages, part.blocks), threads = warps * 32;
  for (int i = warp * 32 + threadIdx.x % 32; i < blocks * problem.m * 8; i += threads) {
    const int piece = i % 8, row = i / 8 / blocks, block = i / 8 - row * blocks;
    const int at = (part.first_block + block) * kBlockBytes + piece * 16, bytes = at < k_bytes ? 16 : 0;
    ptx::copy_16(ring.x(block) + row * kBlockBytes + (piece ^ (row % 8)) * 16,
                 problem.x + static_cast<long long>(row) * k_bytes + (bytes > 0 ? at : 0), bytes);
  }
  ptx::copy_commit();
  ptx::copy_wait<0>();
  ptx::proxy_fence();
  ptx::named_sync(kLoaders, threads);
  for (int block = warp * 32 + threadIdx.x % 32; block < blocks; block += threads) ptx::barrier_arrive(ring.full(block));
  return blocks;
}

// One warp of `warps` <= stages: brings the X of blocks warp, warp + warps, ... into the ring, rows 0..M-1 of 128 bytes, 16-byte pieces
// permuted as wgmma's 128-byte swizzle wants them, bytes behind K as zeros; with block scales also the M scales of the block.
// Copies are published (proxy fence, arrival) when kLag newer ones are under way, or before the warp has to wait for a slot.
template <bool kBlockScales>
__device__ __forceinline__ void load_activations(const Problem& problem, const Ring& ring, const Part& part, int k_bytes,
                                                 int warp, int warps, int scale_slot_bytes) {
  constexpr int kLag = 4;
  const int lane = threadIdx.x % 32, piece = lane % 8, k_blocks = ceil_div(k_bytes, kBlockBytes);
  int first = warp, pending = 0;
  ptx::wait_for_predecessor();
  TRACE(problem.flags, warp == 0 && lane == 0, kPredecessorDone);
  if (!kBlockScales && (problem.flags & kXAtOnce)) {
    first += load_first_activations(problem, ring, part, k_bytes, warp, warps);
  }
  Cursor load(0), publish(0);
  load.advance(first, ring.stages);
  publish.advance(first, ring.stages);
  auto publish_one = [&] {
    ptx::proxy_fence();
    __syncwarp();
    if (lane == 0) ptx::barrier_arrive(ring.full(publish.index));
    publish.advance(warps, ring.stages);
    pending--;
  };
  for (int block = first; block < part.blocks; block += warps) {
    if (load.round > 0) {
      const uint32_t parity = (load.round - 1) & 1;
      if (!__all_sync(0xFFFFFFFF, ptx::barrier_test(ring.empty(load.index), parity))) {
        ptx::copy_wait<0>();
        while (pending > 0) publish_one();
        ptx::barrier_wait(ring.empty(load.index), parity);
      }
    }
    const int at = (part.first_block + block) * kBlockBytes + piece * 16, bytes = at < k_bytes ? 16 : 0;
    const uint8_t* from = problem.x + (bytes > 0 ? at : 0);
    const uint32_t to = ring.x(load.index);
    for (int row = lane / 8; row < problem.m; row += 4) {
      ptx::copy_16(to + row * kBlockBytes + (piece ^ (row % 8)) * 16, from + static_cast<long long>(row) * k_bytes, bytes);
    }
    if constexpr (kBlockScales) {
      const float* scale = problem.scale_x + part.first_block + block;
      const uint32_t scale_to = ring.base + ring.at.scale_x + load.index * scale_slot_bytes;
      for (int row = lane; row < problem.m; row += 32) ptx::copy_4(scale_to + row * 4, scale + static_cast<long long>(row) * k_blocks);
    }
    ptx::copy_commit();
    load.advance(warps, ring.stages);
    if (++pending > kLag) {
      ptx::copy_wait<kLag>();
      publish_one();
    }
  }
  ptx::copy_wait<0>();
  while (pending > 0) publish_one();
}

}  // namespace gemm_decode
