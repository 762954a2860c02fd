// Both operands from shared memory, where the copy engine brings boxes of 128 bytes of a row: a tile of 64 kGroups x 192 sums a
// block. Persistent: a block takes one segment after the other.
//
//   warp 0, one thread     copies into a ring of stages of 64 of the depth; blocks of a cluster share the columns' operand, each
//                          copies a part of it to all
//   warpgroups 1, 2, ...   64 x 192 sums each; one begins kLag stages behind the one before, so that the tensor core has work while
//                          another stores its sums
#pragma once

#include "mma.cuh"
#include "ring.cuh"
#include "store.cuh"
#include "work.cuh"

namespace gemm_train {

constexpr int kProducerThreads = 128;
constexpr int kSharedBytes = 227 * 1024;

template <bool kWideA_, bool kWideB_, int kGroups_, int kCluster_, int kLag_>
struct Config {
  static constexpr bool kWideA = kWideA_, kWideB = kWideB_;
  static constexpr int kGroups = kGroups_, kCluster = kCluster_, kRows = 64 * kGroups;
  static constexpr int kThreads = kProducerThreads + 128 * kGroups;
  static constexpr int kABytes = kRows * kRowBytes, kStageBytes = kABytes + kColumns * kRowBytes;
  static constexpr int kStages = (kSharedBytes - 1024) / kStageBytes, kBytes = kStages * kStageBytes + 16 * kStages;
  static constexpr int kLag = kLag_;
  static constexpr int kConsumerRegisters = kGroups == 3 ? 160 : 232, kProducerRegisters = kGroups == 3 ? 32 : 40;
  // Rows of a box of either operand.
  static constexpr int kBoxA = kWideA ? kDepth : kRows, kBoxB = (kWideB ? kDepth : kColumns) / kCluster;
};

struct Problem {
  const void* a;   // tensor maps
  const void* b;
  Output out;
};

template <int kStages>
struct Barriers {
  uint32_t base;
  __device__ __forceinline__ uint32_t full(int stage) const { return base + 8 * stage; }
  __device__ __forceinline__ uint32_t free(int stage) const { return base + 8 * (kStages + stage); }
};

__device__ __forceinline__ int cluster_rank() {
  int rank;
  asm volatile("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
  return rank;
}

// The box at byte `column` of row `row` to the same place in all blocks of the cluster, and to the same mbarrier there.
template <int kCluster>
__device__ __forceinline__ void shared_copy(uint32_t to, const void* map, int column, int row, uint32_t barrier) {
  if constexpr (kCluster == 1) {
    ptx::tensor_copy(to, map, column, row, barrier);
  } else {
    asm volatile(
        "cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes.multicast::cluster [%0], [%1, {%2, %3}], "
        "[%4], %5;" ::"r"(to),
        "l"(map), "r"(column), "r"(row), "r"(barrier), "h"(static_cast<uint16_t>((1 << kCluster) - 1))
        : "memory");
  }
}

template <typename C>
__device__ __forceinline__ void copy_stage(const Problem& p, uint32_t stage, int row, int column, int depth, int rank, uint32_t full) {
  if constexpr (C::kWideA) {
#pragma unroll
    for (int g = 0; g < C::kGroups; g++) ptx::tensor_copy(stage + g * kChunkBytes, p.a, 2 * (row + 64 * g), depth, full);
  } else {
    ptx::tensor_copy(stage, p.a, 2 * depth, row, full);
  }
  const uint32_t b = stage + C::kABytes + rank * C::kBoxB * kRowBytes;
  if constexpr (C::kWideB) {
#pragma unroll
    for (int i = 0; i < kColumns / 64; i++) {
      shared_copy<C::kCluster>(b + i * kChunkBytes, p.b, 2 * (column + 64 * i), depth + rank * C::kBoxB, full);
    }
  } else {
    shared_copy<C::kCluster>(b, p.b, 2 * depth, column + rank * C::kBoxB, full);
  }
}

template <typename C, typename Work>
__device__ __forceinline__ void produce(const Problem& p, uint32_t stages, Barriers<C::kStages> barriers, Work work) {
  const int rank = C::kCluster == 1 ? 0 : cluster_rank();
  ptx::wait_for_predecessor();
  ring::Ring<C::kStages> ring;
  Segment at;
  while (work.next(at)) {
    const int row = (at.row * C::kCluster + rank) * C::kRows, column = at.column * kColumns;
#pragma unroll 1
    for (int k = at.first; k < at.first + at.blocks; k++) {
      ptx::barrier_wait(barriers.free(ring.stage), ring.parity ^ 1);
      const uint32_t full = barriers.full(ring.stage);
      ptx::barrier_arrive_expect(full, C::kStageBytes);
      copy_stage<C>(p, stages + ring.stage * C::kStageBytes, row, column, k * kDepth, rank, full);
      ring.next();
    }
  }
}

// One arrival of this warp in every block of the cluster. Without `.release.cluster`, which costs a fence of the whole device: the
// stage was read by finished wgmmas only.
template <int kCluster>
__device__ __forceinline__ void arrive(uint32_t barrier, int lane) {
  if (lane < kCluster) {
    asm volatile("mbarrier.arrive.shared::cluster.b64 _, [%0];" ::"r"(ptx::cluster_address(barrier, lane)) : "memory");
  }
}

// A warpgroup lets the next one begin, or waits for the one before.
__device__ __forceinline__ void let_begin(int group) { asm volatile("bar.arrive %0, 256;" ::"r"(1 + group) : "memory"); }
__device__ __forceinline__ void wait_to_begin(int group) { ptx::named_sync(group, 256); }

template <typename C>
__device__ __forceinline__ void store(const Problem& p, const Segment& at, int row, int warp, int lane, const float (&sums)[kSums]) {
  const int first = row + 16 * warp, column = at.column * kColumns;
  switch (p.out.result) {
    case Result::kBf16: store_bf16(p.out, first, column, lane, sums); break;
    case Result::kFp32: store_fp32<false>(p.out, first, column, lane, sums); break;
    case Result::kAdd: store_fp32<true>(p.out, first, column, lane, sums); break;
    case Result::kPart: store_part(p.out, at.slot, C::kRows, 16 * warp, lane, sums); break;
  }
}

template <typename C, typename Work>
__device__ __forceinline__ void consume(const Problem& p, uint32_t stages, Barriers<C::kStages> barriers, Work work) {
  const int thread = static_cast<int>(threadIdx.x) - kProducerThreads, group = thread / 128, warp = thread / 32, lane = thread % 32;
  const int rank = C::kCluster == 1 ? 0 : cluster_rank();
  ring::Ring<C::kStages> ring;
  float sums[kSums];
#pragma unroll
  for (int i = 0; i < kSums; i++) sums[i] = 0;
  if (group > 0) wait_to_begin(group);
  bool waited_for = group + 1 < C::kGroups;
  ptx::wait_for_predecessor();
  Segment at;
  while (work.next(at)) {
    int previous = 0;
#pragma unroll 1
    for (int k = 0; k < at.blocks; k++) {
      ptx::barrier_wait(barriers.full(ring.stage), ring.parity);
      const uint32_t stage = stages + ring.stage * C::kStageBytes;
      ptx::wgmma_fence();
#pragma unroll
      for (int i = 0; i < kDepth / 16; i++) {
        multiply<C::kWideA, C::kWideB>(sums, operand<C::kWideA>(stage + group * kChunkBytes, i), operand<C::kWideB>(stage + C::kABytes, i),
                                       i > 0 || k > 0);
      }
      ptx::wgmma_commit();
      ptx::wgmma_wait<1>();
      if (k > 0) arrive<C::kCluster>(barriers.free(previous), lane);
      if (waited_for && k == C::kLag - 1) {
        let_begin(group);
        waited_for = false;
      }
      previous = ring.stage;
      ring.next();
    }
    ptx::wgmma_wait<0>();
#pragma unroll
    for (int i = 0; i < kSums; i++) ptx::hold(sums[i]);
    arrive<C::kCluster>(barriers.free(previous), lane);
    if (waited_for) let_begin(group);
    waited_for = false;
    store<C>(p, at, (at.row * C::kCluster + rank) * C::kRows, warp, lane, sums);
  }
  if (waited_for) let_begin(group);
}

// Grid: clusters, any number; C::kBytes of shared memory.
template <typename C, typename Work>
__device__ __forceinline__ void gemm(const Problem& p, Work work) {
  extern __shared__ __align__(1024) uint8_t shared[];
  const uint32_t stages = ptx::shared_address(shared);
  const Barriers<C::kStages> barriers{stages + C::kStages * C::kStageBytes};
  const int thread = static_cast<int>(threadIdx.x);
  if (thread == 0) {
    if ((stages & 1023) != 0) __trap();
    ptx::prefetch_tensor_map(p.a);
    ptx::prefetch_tensor_map(p.b);
    for (int i = 0; i < C::kStages; i++) {
      ptx::barrier_init(barriers.full(i), 1);
      ptx::barrier_init(barriers.free(i), C::kCluster * 4 * C::kGroups);
    }
    ptx::barrier_init_fence();
  }
  __syncthreads();
  if constexpr (C::kCluster > 1) ptx::cluster_sync();
  ptx::launch_dependents();
  if (thread < kProducerThreads) {
    ptx::fewer_registers<C::kProducerRegisters>();
    if (thread == 0) produce<C>(p, stages, barriers, work);
  } else {
    ptx::more_registers<C::kConsumerRegisters>();
    consume<C>(p, stages, barriers, work);
  }
  if constexpr (C::kCluster > 1) ptx::cluster_sync();   // no block leaves while the other may still write to it
}

}  // namespace gemm_train
