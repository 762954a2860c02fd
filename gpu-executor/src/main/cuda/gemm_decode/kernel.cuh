// The decode GEMM: a ring of slots, one slot a block of 128 bytes of K (weights and activations), filled by one producer
// warpgroup and multiplied by one to seven consumer warpgroups.
#pragma once

#include "epilogue.cuh"
#include "layout.cuh"
#include "load.cuh"
#include "mma.cuh"
#include "ptx.cuh"

namespace gemm_decode {

template <typename Types>
constexpr int kElementBytes = 1;
template <>
inline constexpr int kElementBytes<Bf16> = 2;

// Registers. The launch gives the same number to each of kBound threads (of 512 threads 128 each, of 640 96, of 768 80, of 1024 64), then the
// producers hand some on to the consumers (kConsumer 0: they do not). At n = 32 two blocks of 384 threads fit a multiprocessor.
template <typename Types, int n, bool kBlockScales>
struct Registers {
  static constexpr bool kTight = n == 128 && Types::kPromotes && !kBlockScales;  // 128 sums a thread
  static constexpr bool kLean = n == 32 && !kBlockScales;
  static constexpr int kBound = n == 128 ? 512 : kLean ? 768 : n == 16 ? 1024 : 640;
  static constexpr int kProducer = kTight ? 32 : n == 128 ? 56 : 40;
  static constexpr int kConsumer = n == 16 ? 0 : kTight ? 160 : n == 128 ? 152 : kLean ? 88 : 104;
};

template <typename Sum, int kSums>
__device__ __forceinline__ void hold_all(Sum (&sums)[kSums]) {
#pragma unroll
  for (int i = 0; i < kSums; i++) ptx::hold(sums[i]);
}

// Issues the products of one slot, four steps of 32 bytes along K, and closes them as one wgmma group.
template <typename Multiply, typename Sum>
__device__ __forceinline__ void multiply_slot(Sum (&sums)[Multiply::kSums], uint32_t x, uint32_t w, bool add) {
  ptx::wgmma_fence();
#pragma unroll
  for (int step = 0; step < 4; step++) {
    Multiply::run(sums, ptx::swizzled_descriptor(w + step * 32), ptx::swizzled_descriptor(x + step * 32), step > 0 || add);
  }
  ptx::wgmma_commit();
}

// Tells the producers that this warp has read slot `slot`. racecheck does not follow a __syncwarp before an mbarrier; with
// -DDECODE_EVERY_LANE_ARRIVES it needs not (README.md).
#ifdef DECODE_EVERY_LANE_ARRIVES
constexpr int kArrivals = 32;  // of a warp
#else
constexpr int kArrivals = 1;
#endif
__device__ __forceinline__ void release(const Ring& ring, int slot) {
  __syncwarp();
  if (threadIdx.x % 32 < kArrivals) ptx::barrier_arrive(ring.empty(slot));
}

// The weights' scales of this block's rows, in shared memory [local row block][block of K]. With the gate the rows alternate between
// two matrices, so 256 rows share a pair of scale rows.
struct WeightScales {
  const float* values;
  int pitch, first_row;
  bool gate;

  // Index of the row of scales of Y's column `row`.
  __device__ int local(int row) const {
    return gate ? 2 * ((row >> 8) - (first_row >> 8)) + (row & 1) : (row >> 7) - (first_row >> 7);
  }

  // Fills `to`; `threads` threads, then a barrier.
  __device__ void load(const Problem& problem, const Part& part, int k_blocks, float* to, int threads) {
    values = to;
    pitch = part.blocks;
    first_row = part.first_row;
    gate = (problem.flags & kGate) != 0;
    const int scale_rows_all = ceil_div(gate ? problem.n / 2 : problem.n, 128);
    const int last = part.first_row + part.rows - 1, rows = gate ? local(last | 1) + 1 : local(last) + 1;
    for (int i = threadIdx.x; i < rows * pitch; i += threads) {
      const int row = i / pitch, block = i % pitch;
      const int global = gate ? (first_row >> 8) + row / 2 + row % 2 * scale_rows_all : (first_row >> 7) + row;
      to[i] = problem.scale_w[static_cast<long long>(global) * k_blocks + part.first_block + block];
    }
    ptx::named_sync(1, threads);
  }
};

// sums * scale of X * scale of W added to total, for one block of K. `rows`: local scale rows of the thread's two rows.
template <int kSums>
__device__ __forceinline__ void add_scaled(float (&total)[kSums], const float (&sums)[kSums], const float* scale_x,
                                           const WeightScales& scales, const int (&rows)[2], int block) {
  const float w[2] = {scales.values[rows[0] * scales.pitch + block], scales.values[rows[1] * scales.pitch + block]};
#pragma unroll
  for (int i = 0; i < kSums; i += 4) {
    const float2 x = *reinterpret_cast<const float2*>(scale_x + i * 2 + threadIdx.x % 4 * 2);
#pragma unroll
    for (int half = 0; half < 2; half++) {
      float* to = &total[i + 2 * half];
      to[0] = __fmaf_rn(sums[i + 2 * half], __fmul_rn(x.x, w[half]), to[0]);
      to[1] = __fmaf_rn(sums[i + 2 * half + 1], __fmul_rn(x.y, w[half]), to[1]);
    }
  }
}

// kSplit blocks of a cluster split K.
template <typename Types, int n, bool kBlockScales, int kSplit>
struct Gemm {
  using Sum = typename Types::Sum;
  using Multiply = Mma<Types, n>;
  using Budget = Registers<Types, n, kBlockScales>;
  static constexpr bool kMany = n == 128;
  static constexpr bool kPromote = Types::kPromotes;
  static constexpr bool kEarly = n == 16;  // the epilogue's operands fit in registers beside the sums
  static constexpr int kAtATime = n == 16 ? 1 : n == 32 ? 2 : n == 64 ? (kSplit <= 2 ? 4 : 2) : kSplit <= 2 ? 8 : 4;
  using Adds = Adder<Sum, kBlockScales, kSplit, kAtATime, kMany>;
  static_assert(kPromote || !kBlockScales, "block scales are built for fp8");

  // One warpgroup: all blocks of the part, then the epilogue.
  static __device__ __forceinline__ void consume(const Problem& problem, const Ring& ring, const Part& part, int k_blocks,
                                                 unsigned char* shared, int threads) {
    const int first = threadIdx.x / kGroupThreads * kPieceRows, base = piece_base(problem.rows, first);
    Adds adder;
    if constexpr (kEarly) {
      adder = Adds::of(problem, part, threads);
      adder.load_columns(problem, part);
    } else {
      prefetch_columns(problem, part, Adds::of(problem, part, threads));
    }
    WeightScales scales;
    int scale_row[2];
    if constexpr (kBlockScales) {
      scales.load(problem, part, k_blocks, reinterpret_cast<float*>(shared + ring.at.scale_w), threads);
#pragma unroll
      for (int i = 0; i < 2; i++) {
        const int row = base + threadIdx.x % kGroupThreads / 32 * 16 + threadIdx.x % 32 / 4 + i * 8;
        scale_row[i] = scales.local(part.first_row + max(0, min(row, part.rows - 1)));
      }
    }
    if constexpr (kEarly) {
      ptx::wait_for_predecessor();
      adder.load_rows(problem, part);
    }
    Sum sums[Multiply::kSums] = {};
    Sum total[Multiply::kSums] = {};
    Cursor cursor;
    for (int chunk = 0; chunk < part.blocks; chunk += kChunkBlocks) {
      const int end = min(chunk + kChunkBlocks, part.blocks);
      int previous = 0;
      for (int block = chunk; block < end; block++) {
        ptx::barrier_wait(ring.full(cursor.index), cursor.round & 1);
        TRACE(problem.flags, threadIdx.x == 0 && block == 0, kXVisible);
        const bool fresh = kBlockScales || block == (kPromote ? chunk : 0);
        multiply_slot<Multiply>(sums, ring.x(cursor.index), ring.w(cursor.index) + base * kBlockBytes, !fresh);
        if constexpr (kBlockScales) {
          ptx::wgmma_wait<0>();
          hold_all(sums);
          add_scaled(total, sums, reinterpret_cast<const float*>(shared + ring.at.scale_x + cursor.index * n * 4), scales, scale_row, block);
          hold_all(total);
          release(ring, cursor.index);
        } else if (block > chunk) {
          ptx::wgmma_wait<1>();
          release(ring, previous);
        }
        previous = cursor.index;
        cursor.advance(ring.stages);
      }
      if constexpr (!kBlockScales) {
        ptx::wgmma_wait<0>();
        hold_all(sums);
        release(ring, previous);
        if constexpr (kPromote) {
#pragma unroll
          for (int i = 0; i < Multiply::kSums; i++) total[i] = __fadd_rn(total[i], sums[i]);
          hold_all(total);  // added before the next products overwrite the sums
        }
      }
    }
    TRACE(problem.flags, threadIdx.x == 0, kLoopEnd);
    if constexpr (!kEarly) {
      ptx::wait_for_predecessor();
      adder = Adds::of(problem, part, threads);
      adder.load_columns(problem, part);
      adder.load_rows(problem, part);
    }
    const auto write = [&](Sum(&result)[Multiply::kSums]) {
      finish<Sum, kSplit, kMany>(problem, part, ring, result, threads, first, adder);
    };
    if constexpr (kPromote) write(total);
    else write(sums);
    TRACE(problem.flags, threadIdx.x == 0, kEnd);
  }

  // The whole kernel. Blocks have (groups + 1) * 128 threads, the last 128 are the producers.
  static __device__ __forceinline__ void run(const void* x, const Problem& problem) {
    extern __shared__ __align__(1024) unsigned char shared[];
    const int k_blocks = blocks_of_k(problem.k, kElementBytes<Types>);
    const Part part = Part::of<kSplit>(problem, k_blocks);
    const bool late = (problem.flags & kLateLaunch) != 0;
    if (!late) ptx::launch_dependents();
    const int warp = threadIdx.x / 32, consumer_warps = blockDim.x / 32 - 4;
    const Ring ring{ptx::shared_address(shared), problem.stages,
                    SharedLayout::of(problem.m, n, problem.rows, problem.stages,
                                     kBlockScales ? ceil_div(k_blocks, kSplit) : 0, kSplit)};
    TRACE(problem.flags, threadIdx.x == consumer_warps * 32, kMultiprocessor);
    TRACE(problem.flags, threadIdx.x == consumer_warps * 32, kStart);
    Cursor weights;
    // Asked for first where a block starts long before its predecessor is done; with many rows of X those are needed as soon.
    const int prefetched = kMany ? 0 : min(problem.stages, part.blocks);
    if (threadIdx.x == consumer_warps * 32) {
      if (ring.base % 1024 != 0) __trap();
      const int share = Slice::of(problem.m, part.rows, part.rank, kSplit).bytes(part.rows);
      ring.init(kBlockScales ? 2 + 32 : 2, consumer_warps * kArrivals, share * (kSplit - 1));
      stream_weights(ring, part, weights, 0, prefetched);
      TRACE(problem.flags, true, kRingAsked);
    }
    __syncthreads();
    if constexpr (kSplit > 1) ptx::cluster_arrive();
    if (warp >= consumer_warps) {
      if constexpr (Budget::kConsumer > 0) ptx::fewer_registers<Budget::kProducer>();
      const int producer = warp - consumer_warps;
      if (producer == 0 && threadIdx.x % 32 == 0) {
        stream_weights(ring, part, weights, prefetched, part.blocks);
        if (late) ptx::launch_dependents();
      } else if (producer == 1 && threadIdx.x % 32 == 0) {
        stream_activations(problem, x, ring, part);
      } else if (kBlockScales && producer == 2) {
        load_activation_scales(problem, ring, part, k_blocks, n * 4);
      }
      if constexpr (kSplit > 1) ptx::cluster_wait();
    } else {
      if constexpr (Budget::kConsumer > 0) ptx::more_registers<Budget::kConsumer>();
      consume(problem, ring, part, k_blocks, shared, consumer_warps * 32);
    }
  }
};

}  // namespace gemm_decode
