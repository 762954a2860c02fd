// From accumulators to Y: partial sums to shared memory, sum over the cluster in order of rank, scales, bias, gate, residual.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "layout.cuh"
#include "load.cuh"
#include "ptx.cuh"
#include "trace.cuh"

namespace gemm_decode {

template <int kCount>
__device__ __forceinline__ void load_values(const void* from, long long at, int out, float (&values)[kCount]) {
  if (out == kOutFp32) {
    for (int i = 0; i < kCount; i++) values[i] = static_cast<const float*>(from)[at + i];
    return;
  }
  const uint32_t* words = reinterpret_cast<const uint32_t*>(static_cast<const uint16_t*>(from) + at);
#pragma unroll
  for (int i = 0; i < kCount; i += 2) {
    const uint32_t word = words[i / 2];
    if (out == kOutBf16) {
      values[i] = __uint_as_float(word << 16);
      values[i + 1] = __uint_as_float(word & 0xFFFF0000u);
    } else {
      const float2 pair = __half22float2(*reinterpret_cast<const __half2*>(&word));
      values[i] = pair.x;
      values[i + 1] = pair.y;
    }
  }
}

// kCount (2 or 4) neighbours in one store, rounded to nearest even.
template <int kCount>
__device__ __forceinline__ void store_values(void* to, long long at, int out, const float (&values)[kCount]) {
  if (out == kOutFp32) {
    float* y = static_cast<float*>(to) + at;
    if constexpr (kCount == 4) *reinterpret_cast<float4*>(y) = make_float4(values[0], values[1], values[2], values[3]);
    else *reinterpret_cast<float2*>(y) = make_float2(values[0], values[1]);
    return;
  }
  uint32_t words[kCount / 2];
#pragma unroll
  for (int i = 0; i < kCount; i += 2) {
    if (out == kOutBf16) {
      const __nv_bfloat162 pair = __floats2bfloat162_rn(values[i], values[i + 1]);
      words[i / 2] = *reinterpret_cast<const uint32_t*>(&pair);
    } else {
      const __half2 pair = __floats2half2_rn(values[i], values[i + 1]);
      words[i / 2] = *reinterpret_cast<const uint32_t*>(&pair);
    }
  }
  uint16_t* y = static_cast<uint16_t*>(to) + at;
  if constexpr (kCount == 4) *reinterpret_cast<uint2*>(y) = make_uint2(words[0], words[1]);
  else *reinterpret_cast<uint32_t*>(y) = words[0];
}

// Four values from `from`, or `otherwise`; 16-byte aligned.
__device__ __forceinline__ void load_four(const float* from, int at, float otherwise, float (&values)[4]) {
  const float4 four = from == nullptr ? make_float4(otherwise, otherwise, otherwise, otherwise)
                                      : *reinterpret_cast<const float4*>(from + at);
  values[0] = four.x;
  values[1] = four.y;
  values[2] = four.z;
  values[3] = four.w;
}

// What four neighbouring sums of row m of X, columns from `row` on (a row of weights is a column of Y), need to become values of
// Y. Loaded ahead of the sums: the loads take longer than the barriers between them. load_weights reads what belongs to the weights and
// may run before the predecessor is done, load_rows what belongs to the rows. The operations are spelled out so that every
// instance of the kernel rounds alike.
template <bool kBlockScales>
struct Operands {
  float scale_x, scale_w[4], bias[4], residual[4];

  __device__ __forceinline__ void load(const Problem& problem, int m, int row) {
    load_weights(problem, row);
    load_rows(problem, m, row);
  }

  __device__ __forceinline__ void load_weights(const Problem& problem, int row) {
    if constexpr (!kBlockScales) {
      const bool per_channel = problem.scale_w != nullptr && (problem.flags & kScalePerChannel);
      load_four(per_channel ? problem.scale_w : nullptr, row, problem.scale_w != nullptr && !per_channel ? *problem.scale_w : 1.0f,
                scale_w);
    }
    load_four(problem.bias, row, 0.0f, bias);
  }

  __device__ __forceinline__ void load_rows(const Problem& problem, int m, int row) {
    if constexpr (!kBlockScales) scale_x = problem.scale_x == nullptr ? 1.0f : problem.scale_x[problem.flags & kScalePerRow ? m : 0];
    if (problem.residual == nullptr) return;
    const int out = problem.flags & kOutMask;
    if (problem.flags & kGate) {
      float pair[2];
      load_values(problem.residual, static_cast<long long>(m) * (problem.n / 2) + row / 2, out, pair);
      residual[0] = pair[0];
      residual[1] = pair[1];
    } else {
      load_values(problem.residual, static_cast<long long>(m) * problem.n + row, out, residual);
    }
  }

  // Y's values from the sums, into v and Y.
  __device__ __forceinline__ void store(const Problem& problem, int m, int row, float (&v)[4]) const {
    const int out = problem.flags & kOutMask;
#pragma unroll
    for (int i = 0; i < 4; i++) {
      if constexpr (!kBlockScales) v[i] = __fmul_rn(__fmul_rn(v[i], scale_x), scale_w[i]);
      if (problem.bias != nullptr) v[i] = __fadd_rn(v[i], bias[i]);
    }
    if (problem.flags & kGate) {
      float gated[2];
#pragma unroll
      for (int i = 0; i < 2; i++) {
        gated[i] = __fmul_rn(__fdiv_rn(v[2 * i], __fadd_rn(1.0f, expf(-v[2 * i]))), v[2 * i + 1]);
        if (problem.residual != nullptr) gated[i] = __fadd_rn(gated[i], residual[i]);
      }
      store_values(problem.y, static_cast<long long>(m) * (problem.n / 2) + row / 2, out, gated);
      return;
    }
    if (problem.residual != nullptr) {
#pragma unroll
      for (int i = 0; i < 4; i++) v[i] = __fadd_rn(v[i], residual[i]);
    }
    store_values(problem.y, static_cast<long long>(m) * problem.n + row, out, v);
  }
};

// What a thread adds up and stores: rows `row` .. `row` + 3 of the part for row m of X; number i of all of them, `end` is the first of
// the next block of the cluster.
struct Quad {
  int i, end, m, row;

  template <int kCluster>
  __device__ __forceinline__ static Quad first(const Problem& problem, const Part& part) {
    const int all = problem.m * (part.rows / 4);
    Quad quad{static_cast<int>(all * part.rank / kCluster + threadIdx.x), all * (part.rank + 1) / kCluster, 0, 0};
    quad.locate(part);
    return quad;
  }

  __device__ __forceinline__ void advance(int by, const Part& part) {
    i += by;
    locate(part);
  }

 private:
  __device__ __forceinline__ void locate(const Part& part) {
    const int quads = part.rows / 4;
    m = i / quads;
    row = (i - m * quads) * 4;
  }
};

// Per-channel operands come from device memory: under way before the block has anything else to do.
template <int kCluster>
__device__ __forceinline__ void prefetch_operands(const Problem& problem, const Part& part) {
  const Quad quad = Quad::first<kCluster>(problem, part);
  if (quad.i >= quad.end) return;
  if (problem.scale_w != nullptr) ptx::prefetch_l2(problem.scale_w + (problem.flags & kScalePerChannel ? part.first_row + quad.row : 0));
  if (problem.bias != nullptr) ptx::prefetch_l2(problem.bias + part.first_row + quad.row);
}

__device__ __forceinline__ uint32_t bits_of(float value) { return __float_as_uint(value); }
__device__ __forceinline__ uint32_t bits_of(int value) { return static_cast<uint32_t>(value); }

__device__ __forceinline__ void add_words(float (&sum)[4], uint4 words) {
  sum[0] = __fadd_rn(sum[0], __uint_as_float(words.x));
  sum[1] = __fadd_rn(sum[1], __uint_as_float(words.y));
  sum[2] = __fadd_rn(sum[2], __uint_as_float(words.z));
  sum[3] = __fadd_rn(sum[3], __uint_as_float(words.w));
}

__device__ __forceinline__ void add_words(int (&sum)[4], uint4 words) {
  sum[0] += static_cast<int>(words.x);
  sum[1] += static_cast<int>(words.y);
  sum[2] += static_cast<int>(words.z);
  sum[3] += static_cast<int>(words.w);
}

// Writes this warpgroup's sums (Mma's register layout) of the rows `base + ...` to the block's partial sums [m][row]; rows below
// `first` belong to another piece, rows from part.rows on and columns from M on to nobody.
template <typename Sum, int kSums>
__device__ __forceinline__ void store_partials(const Problem& problem, const Part& part, Sum* partials, const Sum (&sums)[kSums],
                                               int base, int first) {
  const int thread = threadIdx.x % kGroupThreads, pitch = partial_pitch(problem.pass_rows);
  const int row = base + thread / 32 * 16 + thread % 32 / 4, column = thread % 4 * 2;
#pragma unroll
  for (int i = 0; i < kSums; i++) {
    const int r = row + (i / 2 % 2) * 8, m = column + i / 4 * 8 + i % 2;
    if (m < problem.m && r >= first && r < part.rows) partials[m * pitch + r] = sums[i];
  }
}

// Sends this warpgroup's sums to the blocks of the cluster that add them up: the owner of a quad finds it at
// [rank of the sender][quad - its first quad][row % 4] of its shares, and all of them have arrived when its barrier says so.
template <int kCluster, typename Sum, int kSums>
__device__ __forceinline__ void push_partials(const Problem& problem, const Part& part, const Ring& ring, const Sum (&sums)[kSums],
                                              int base, int first) {
  const int thread = threadIdx.x % kGroupThreads, row = base + thread / 32 * 16 + thread % 32 / 4, column = thread % 4 * 2;
  const int quads = part.rows / 4, all = problem.m * quads, room = ceil_div(all, kCluster);
#pragma unroll
  for (int i = 0; i < kSums; i++) {
    const int r = row + (i / 2 % 2) * 8, m = column + i / 4 * 8 + i % 2;
    if (m >= problem.m || r < first || r >= part.rows) continue;
    const int quad = m * quads + r / 4;
    int owner = 0, begin = 0;
#pragma unroll
    for (int rank = 1; rank < kCluster; rank++) {
      if (quad >= all * rank / kCluster) {
        owner = rank;
        begin = all * rank / kCluster;
      }
    }
    const uint32_t to = ring.base + ring.at.shares + (part.rank * room + quad - begin) * 16 + r % 4 * 4;
    ptx::cluster_send_4(ptx::cluster_address(to, owner), ptx::cluster_address(ring.shares_full(), owner), bits_of(sums[i]));
  }
}

// Adds up the quads of this block, read by `words(quad, rank)`, in the order of rank, and stores Y. `operands` are those of `quad`.
template <typename Sum, int kCluster, bool kBlockScales, typename Words>
__device__ __forceinline__ void add_and_store(const Problem& problem, const Part& part, Quad& quad, Operands<kBlockScales>& operands,
                                              int threads, const Words& words) {
  while (quad.i < quad.end) {
    uint4 shares[kCluster];
#pragma unroll
    for (int rank = 0; rank < kCluster; rank++) shares[rank] = words(quad, rank);
    Sum total[4] = {};
#pragma unroll
    for (int rank = 0; rank < kCluster; rank++) add_words(total, shares[rank]);
    float values[4];
#pragma unroll
    for (int j = 0; j < 4; j++) values[j] = static_cast<float>(total[j]);
    operands.store(problem, quad.m, part.first_row + quad.row, values);
    quad.advance(threads, part);
    if (quad.i < quad.end) operands.load(problem, quad.m, part.first_row + quad.row);
  }
}

// All of the epilogue, called by the `threads` consumer threads with `operands` of `quad` loaded. Each block of the cluster adds a slice
// of the (m, four rows) pairs.
template <typename Sum, int kPieces, int kSums, bool kBlockScales, int kCluster, bool kPushes>
__device__ __forceinline__ void finish(const Problem& problem, const Part& part, const Ring& ring, Sum* partials,
                                       const Sum (&sums)[kPieces][kSums], int threads, Quad& quad, Operands<kBlockScales>& operands) {
  constexpr int kConsumers = 1;  // named barrier
  const int pitch = partial_pitch(problem.pass_rows), first_piece = threadIdx.x / kGroupThreads * kPieces * kPieceRows;
  if constexpr (kPushes) {
    if (problem.flags & kPush) {
      ptx::cluster_wait();  // all blocks of the cluster have made their barriers
      TRACE(problem.flags, threadIdx.x == 0, kClusterMet);
#pragma unroll
      for (int piece = 0; piece < kPieces; piece++) {
        const int first = first_piece + piece * kPieceRows;
        push_partials<kCluster>(problem, part, ring, sums[piece], piece_base(problem.pass_rows, first), first);
      }
      if (quad.i >= quad.end) return;
      ptx::barrier_wait(ring.shares_full(), 0);
      ptx::cluster_fence();
      TRACE(problem.flags, threadIdx.x == 0, kSharesThere);
      const int all = problem.m * (part.rows / 4);
      const uint32_t at = ring.base + ring.at.shares - all * part.rank / kCluster * 16, step = ceil_div(all, kCluster) * 16;
      add_and_store<Sum, kCluster>(problem, part, quad, operands, threads,
                                   [&](const Quad& q, int rank) { return ptx::load_16(at + rank * step + q.i * 16); });
      return;
    }
  }
  ptx::named_sync(kConsumers, threads);  // from here on no wgmma reads the ring
#pragma unroll
  for (int piece = 0; piece < kPieces; piece++) {
    const int first = first_piece + piece * kPieceRows;
    store_partials(problem, part, partials, sums[piece], piece_base(problem.pass_rows, first), first);
  }
  if constexpr (kCluster > 1) {
    ptx::cluster_arrive();
    ptx::cluster_wait();
  } else {
    ptx::named_sync(kConsumers, threads);
  }
  TRACE(problem.flags, threadIdx.x == 0, kClusterMet);
  add_and_store<Sum, kCluster>(problem, part, quad, operands, threads, [&](const Quad& q, int rank) {
    return ptx::cluster_load_16(ptx::cluster_address(ring.base + kBarrierBytes + (q.m * pitch + q.row) * 4, rank));
  });
  TRACE(problem.flags, threadIdx.x == 0, kSharesThere);
  if constexpr (kCluster > 1) {  // a block's shared memory lives until its neighbours have read it
    ptx::cluster_arrive();
    ptx::cluster_wait();
  }
}

}  // namespace gemm_decode
