// The decode GEMM: a ring of slots, one slot a block of 128 bytes of K (weights and activations), filled by one producer
// warpgroup and multiplied by one to four consumer warpgroups.
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
// producers hand some on to the consumers (kConsumer 0: they do not). Up to n = 32 two blocks of 384 threads fit a multiprocessor.
template <typename Types, int n, bool kBlockScales>
struct Registers {
  static constexpr bool kTight = n == 128 && Types::kPromoteBlocks > 0 && !kBlockScales;  // 128 sums a thread
  static constexpr bool kLean = n == 32 && !kBlockScales;
  static constexpr int kBound = n == 128 ? 512 : kLean ? 768 : n == 8 ? 1024 : 640;
  static constexpr int kProducer = kTight ? 32 : n == 128 ? 56 : 40;
  static constexpr int kConsumer = n == 8 ? 0 : kTight ? 160 : n == 128 ? 152 : kLean ? 88 : 104;
};

template <typename Sum, int kPieces, int kSums>
__device__ __forceinline__ void hold_all(Sum (&sums)[kPieces][kSums]) {
#pragma unroll
  for (int piece = 0; piece < kPieces; piece++) {
#pragma unroll
    for (int i = 0; i < kSums; i++) ptx::hold(sums[piece][i]);
  }
}

// Issues the products of one slot, four steps of 32 bytes along K, and closes them as one wgmma group.
template <typename Multiply, typename Sum, int kPieces>
__device__ __forceinline__ void multiply_slot(Sum (&sums)[kPieces][Multiply::kSums], uint32_t x, uint32_t w,
                                              const uint32_t (&piece_bytes)[kPieces], bool add) {
  ptx::wgmma_fence();
#pragma unroll
  for (int step = 0; step < 4; step++) {
#pragma unroll
    for (int piece = 0; piece < kPieces; piece++) {
      Multiply::run(sums[piece], ptx::swizzled_descriptor(w + piece_bytes[piece] + step * 32),
                    ptx::swizzled_descriptor(x + step * 32), step > 0 || add);
    }
  }
  ptx::wgmma_commit();
}

// Tells the producers that this warp has read slot `slot`.
__device__ __forceinline__ void release(const Ring& ring, int slot) {
  __syncwarp();
  if (threadIdx.x % 32 == 0) ptx::barrier_arrive(ring.empty(slot));
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

// sums * scale of X * scale of W added to total, for one block of K. `rows`: local scale rows of the thread's two rows of a piece.
template <int kPieces, int kSums>
__device__ __forceinline__ void add_scaled(float (&total)[kPieces][kSums], const float (&sums)[kPieces][kSums],
                                           const float* scale_x, const WeightScales& scales, const int (&rows)[kPieces][2],
                                           int block) {
#pragma unroll
  for (int piece = 0; piece < kPieces; piece++) {
    const float w[2] = {scales.values[rows[piece][0] * scales.pitch + block], scales.values[rows[piece][1] * scales.pitch + block]};
#pragma unroll
    for (int i = 0; i < kSums; i += 4) {
      const float2 x = *reinterpret_cast<const float2*>(scale_x + i * 2 + threadIdx.x % 4 * 2);
#pragma unroll
      for (int half = 0; half < 2; half++) {
        float* to = &total[piece][i + 2 * half];
        to[0] = __fmaf_rn(sums[piece][i + 2 * half], __fmul_rn(x.x, w[half]), to[0]);
        to[1] = __fmaf_rn(sums[piece][i + 2 * half + 1], __fmul_rn(x.y, w[half]), to[1]);
      }
    }
  }
}

template <typename Types, int n, bool kBlockScales, int kCluster>
struct Gemm {
  using Sum = typename Types::Sum;
  using Multiply = Mma<Types, n>;
  using Budget = Registers<Types, n, kBlockScales>;
  static constexpr int kPieces = pieces_of(n);
  static constexpr bool kPromote = Types::kPromoteBlocks > 0;
  static constexpr int kGroupBlocks = kBlockScales ? 1 : Types::kPromoteBlocks;
  static constexpr bool kPushes = kCluster > 1 && n <= Types::kPushColumns;
  static constexpr bool kEarly = n == 8;  // the epilogue's operands fit in registers beside the sums
  static_assert(kPromote || !kBlockScales, "block scales are built for fp8");

  // One warpgroup: all blocks of the part, then the epilogue.
  static __device__ __forceinline__ void consume(const Problem& problem, const Ring& ring, const Part& part, int k_blocks,
                                                 unsigned char* shared, int threads) {
    const int first = threadIdx.x / kGroupThreads * kPieces * kPieceRows;
    Quad quad;
    Operands<kBlockScales> operands;
    if constexpr (kEarly) {
      quad = Quad::first<kCluster>(problem, part);
      if (quad.i < quad.end) operands.load_weights(problem, part.first_row + quad.row);
    } else if constexpr (!kBlockScales) {
      prefetch_operands<kCluster>(problem, part);
    }
    uint32_t piece_bytes[kPieces];
    WeightScales scales;
    int scale_row[kPieces][2];
#pragma unroll
    for (int piece = 0; piece < kPieces; piece++) {
      piece_bytes[piece] = piece_base(problem.pass_rows, first + piece * kPieceRows) * kBlockBytes;
    }
    if constexpr (kBlockScales) {
      scales.load(problem, part, k_blocks, reinterpret_cast<float*>(shared + ring.at.scale_w), threads);
#pragma unroll
      for (int i = 0; i < kPieces * 2; i++) {
        const int row = piece_bytes[i / 2] / kBlockBytes + threadIdx.x % kGroupThreads / 32 * 16 + threadIdx.x % 32 / 4 + i % 2 * 8;
        scale_row[i / 2][i % 2] = scales.local(part.first_row + min(row, part.rows - 1));
      }
    }
    if constexpr (kEarly) {
      ptx::wait_for_predecessor();
      if (quad.i < quad.end) operands.load_rows(problem, quad.m, part.first_row + quad.row);
    }
    Sum sums[kPieces][Multiply::kSums] = {};
    Sum total[kPieces][Multiply::kSums] = {};
    Cursor cursor(0);
    for (int block = 0; block < part.blocks;) {
      const int begin = block, end = kPromote ? min(block + kGroupBlocks, part.blocks) : part.blocks;
      int previous = 0;
      for (; block < end; block++) {
        ptx::barrier_wait(ring.full(cursor.index), cursor.round & 1);
        TRACE(problem.flags, threadIdx.x == 0 && block == 0, kXVisible);
        multiply_slot<Multiply>(sums, ring.x(cursor.index), ring.w(cursor.index), piece_bytes, block > begin);
        if (block > begin) {
          ptx::wgmma_wait<1>();
          release(ring, previous);
        }
        previous = cursor.index;
        cursor.advance(1, ring.stages);
      }
      ptx::wgmma_wait<0>();
      hold_all(sums);
      if constexpr (kBlockScales) {
        add_scaled(total, sums, reinterpret_cast<const float*>(shared + ring.at.scale_x + previous * n * 4), scales, scale_row, begin);
        hold_all(total);
      }
      release(ring, previous);
      if constexpr (kPromote && !kBlockScales) {
#pragma unroll
        for (int i = 0; i < kPieces * Multiply::kSums; i++) {
          Sum& to = total[i / Multiply::kSums][i % Multiply::kSums];
          to = __fadd_rn(to, sums[i / Multiply::kSums][i % Multiply::kSums]);
        }
        hold_all(total);  // added before the next products overwrite the sums
      }
    }
    TRACE(problem.flags, threadIdx.x == 0, kLoopEnd);
    if constexpr (!kEarly) {
      quad = Quad::first<kCluster>(problem, part);
      ptx::wait_for_predecessor();
      if (quad.i < quad.end) operands.load(problem, quad.m, part.first_row + quad.row);
    }
    auto write = [&](const Sum(&result)[kPieces][Multiply::kSums]) {
      finish<Sum, kPieces, Multiply::kSums, kBlockScales, kCluster, kPushes>(problem, part, ring, reinterpret_cast<Sum*>(shared + kBarrierBytes),
                                                                    result, threads, quad, operands);
    };
    if constexpr (kPromote) write(total);
    else write(sums);
    TRACE(problem.flags, threadIdx.x == 0, kEnd);
  }

  // The whole kernel. Blocks have (groups + 1) * 128 threads, the last 128 are the producers.
  static __device__ __forceinline__ void run(const Problem& problem) {
    extern __shared__ __align__(1024) unsigned char shared[];
    const int k_bytes = problem.k * kElementBytes<Types>, k_blocks = blocks_of_k(problem.k, kElementBytes<Types>);
    const Part part = Part::of<kCluster>(problem, k_blocks);
    const bool late = (problem.flags & kLateLaunch) != 0;
    if (!late) ptx::launch_dependents();
    if (part.rows <= 0) return;  // the last tile has fewer passes; true for the whole cluster
    const int warp = threadIdx.x / 32, consumer_warps = blockDim.x / 32 - 4;
    const Ring ring{ptx::shared_address(shared), problem.stages,
                    SharedLayout::of(problem.m, n, problem.pass_rows, problem.stages,
                                     kBlockScales ? ceil_div(k_blocks, kCluster) : 0, kCluster)};
    TRACE(problem.flags, threadIdx.x == consumer_warps * 32, kMultiprocessor);
    TRACE(problem.flags, threadIdx.x == consumer_warps * 32, kStart);
    Cursor weights(0);
    const int prefetched = min(problem.stages, part.blocks);
    if (threadIdx.x == consumer_warps * 32) {
      if (ring.base % 1024 != 0) __trap();
      const int all = problem.m * (part.rows / 4);
      ring.init(consumer_warps, (all * (part.rank + 1) / kCluster - all * part.rank / kCluster) * 16 * kCluster);
      stream_weights(ring, part, weights, 0, prefetched);
      TRACE(problem.flags, true, kRingAsked);
    }
    __syncthreads();
    const bool push = kPushes && (problem.flags & kPush) != 0;
    if (push) ptx::cluster_arrive();
    if (warp >= consumer_warps) {
      if constexpr (Budget::kConsumer > 0) ptx::fewer_registers<Budget::kProducer>();
      // With more X warps than stages a warp could see a slot's barrier two phases behind and take it for free.
      const int loader = warp - consumer_warps - 1, loaders = min(3, problem.stages);
      if (loader >= 0) {
        if (loader < loaders) load_activations<kBlockScales>(problem, ring, part, k_bytes, loader, loaders, n * 4);
      } else if (threadIdx.x % 32 == 0) {
        stream_weights(ring, part, weights, prefetched, part.blocks);
        if (late) ptx::launch_dependents();
      }
      if (push) ptx::cluster_wait();
    } else {
      if constexpr (Budget::kConsumer > 0) ptx::more_registers<Budget::kConsumer>();
      consume(problem, ring, part, k_blocks, shared, consumer_warps * 32);
    }
  }
};

}  // namespace gemm_decode
