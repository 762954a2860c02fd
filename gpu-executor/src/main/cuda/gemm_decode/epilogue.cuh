// From accumulators to Y: partial sums to shared memory and to the blocks that add them, their sum in the order of rank, scales, bias,
// gate, residual.
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

// What four neighbouring columns of Y, from `row` on, need of the weights' side. May be loaded before the predecessor is done.
template <bool kBlockScales>
struct ColumnOperands {
  float scale[4], bias[4];

  __device__ __forceinline__ void load(const Problem& problem, int row) {
    if constexpr (!kBlockScales) {
      const bool per_channel = problem.scale_w != nullptr && (problem.flags & kScalePerChannel);
      load_four(per_channel ? problem.scale_w : nullptr, row, problem.scale_w != nullptr && !per_channel ? *problem.scale_w : 1.0f, scale);
    }
    load_four(problem.bias, row, 0.0f, bias);
  }
};

// What they need of row m of X.
template <bool kBlockScales>
struct RowOperands {
  float scale, residual[4];

  __device__ __forceinline__ void load(const Problem& problem, int m, int row) {
    if constexpr (!kBlockScales) scale = problem.scale_x == nullptr ? 1.0f : problem.scale_x[problem.flags & kScalePerRow ? m : 0];
    if (problem.residual != nullptr) load_residual(problem, m, row);
  }

  __device__ __forceinline__ void load_residual(const Problem& problem, int m, int row) {
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
};

__device__ __forceinline__ float as(float, uint32_t word) { return __uint_as_float(word); }
__device__ __forceinline__ int as(int, uint32_t word) { return static_cast<int>(word); }

template <typename Sum>
__device__ __forceinline__ void add_words(Sum (&sum)[4], uint4 words) {
  sum[0] += as(Sum{}, words.x);
  sum[1] += as(Sum{}, words.y);
  sum[2] += as(Sum{}, words.z);
  sum[3] += as(Sum{}, words.w);
}

// floor(a / b) for 0 <= a < 16384 and `inverse` = 1 / b: a + 0.5 is never so near a multiple of b that rounding matters.
__device__ __forceinline__ int divide(int a, float inverse) { return __float2int_rd((static_cast<float>(a) + 0.5f) * inverse); }

// What a thread adds up and stores: four columns of Y from `row` of the part on, for m, m + m_step, ... while its number is below `end`.
// kCount of them at a time, so that their loads are under way together. kMany: in fewer instructions, which few warps cannot hide at M > 64
// (README.md).
template <typename Sum, bool kBlockScales, int kSplit, int kCount, bool kMany>
struct Adder {
  int i, i_step, m, m_step, row, end;
  ColumnOperands<kBlockScales> columns;
  RowOperands<kBlockScales> rows[kCount];

  __device__ __forceinline__ static Adder of(const Problem& problem, const Part& part, int threads) {
    Adder adder;
    const Slice slice = Slice::of(problem.m, part.rows, part.rank, kSplit);
    const int thread = threadIdx.x;
    int quads = part.rows / 4;
    float inverse = 0;
    if constexpr (kMany) {
      asm volatile("" : "+r"(quads));  // computed anew behind the main loop, where registers are free again
      inverse = __frcp_rn(static_cast<float>(quads));
    }
    adder.m_step = kMany ? divide(threads, inverse) : threads / quads;
    adder.i_step = adder.m_step * quads;
    adder.end = slice.end;
    adder.i = thread < adder.i_step ? slice.begin + thread : slice.end;
    adder.m = kMany ? divide(adder.i, inverse) : adder.i / quads;
    adder.row = (adder.i - adder.m * quads) * 4;
    return adder;
  }

  __device__ __forceinline__ bool has(int j) const { return i + j * i_step < end; }
  // Of number j, or of number 0 where there is none: what is read for it is not used, and nothing has to branch.
  __device__ __forceinline__ int m_of(int j) const { return has(j) ? m + j * m_step : m; }

  __device__ __forceinline__ void load_columns(const Problem& problem, const Part& part) {
    if (has(0)) columns.load(problem, part.first_row + row);
  }

  __device__ __forceinline__ void load_rows(const Problem& problem, const Part& part) {
    if (!has(0)) return;
    if constexpr (kMany) {
      load_rows_at_once(problem, part);
    } else {
#pragma unroll
      for (int j = 0; j < kCount; j++) rows[j].load(problem, m_of(j), part.first_row + row);
    }
  }

  // Adds what `words(m, row, rank)` reads, in the order of rank, and stores Y.
  template <typename Words>
  __device__ __forceinline__ void add_and_store(const Problem& problem, const Part& part, const Words& words) {
    while (has(0)) {
      uint4 shares[kCount][kSplit];
#pragma unroll
      for (int j = 0; j < kCount; j++) {
#pragma unroll
        for (int rank = 0; rank < kSplit; rank++) shares[j][rank] = words(m_of(j), row, rank);
      }
      float values[kCount][4];
#pragma unroll
      for (int j = 0; j < kCount; j++) {
        Sum total[4] = {};
#pragma unroll
        for (int rank = 0; rank < kSplit; rank++) add_words(total, shares[j][rank]);
#pragma unroll
        for (int c = 0; c < 4; c++) values[j][c] = static_cast<float>(total[c]);
      }
      scale_and_bias(problem, values);
      if (problem.flags & kGate) store_gated(problem, part, values);
      else store(problem, part, values);
      i += kCount * i_step;
      m += kCount * m_step;
      load_rows(problem, part);
    }
  }

 private:
  __device__ __forceinline__ void load_rows_at_once(const Problem& problem, const Part& part) {
    if constexpr (!kBlockScales) {
      const float* scale = problem.scale_x;
      const bool per_row = (problem.flags & kScalePerRow) != 0;
#pragma unroll
      for (int j = 0; j < kCount; j++) rows[j].scale = scale == nullptr ? 1.0f : scale[per_row ? m_of(j) : 0];
    }
    if (problem.residual == nullptr) return;
#pragma unroll
    for (int j = 0; j < kCount; j++) rows[j].load_residual(problem, m_of(j), part.first_row + row);
  }

  // The operations are spelled out so that every instance of the kernel rounds alike.
  __device__ __forceinline__ void scale_and_bias(const Problem& problem, float (&values)[kCount][4]) const {
    if constexpr (!kBlockScales) {
#pragma unroll
      for (int j = 0; j < kCount; j++) {
#pragma unroll
        for (int c = 0; c < 4; c++) values[j][c] = __fmul_rn(__fmul_rn(values[j][c], rows[j].scale), columns.scale[c]);
      }
    }
    if (problem.bias == nullptr) return;
#pragma unroll
    for (int j = 0; j < kCount; j++) {
#pragma unroll
      for (int c = 0; c < 4; c++) values[j][c] = __fadd_rn(values[j][c], columns.bias[c]);
    }
  }

  template <int kColumns>
  __device__ __forceinline__ void add_residual_and_store(const Problem& problem, int n, int column, float (&values)[kCount][kColumns]) const {
    if (problem.residual != nullptr) {
#pragma unroll
      for (int j = 0; j < kCount; j++) {
#pragma unroll
        for (int c = 0; c < kColumns; c++) values[j][c] = __fadd_rn(values[j][c], rows[j].residual[c]);
      }
    }
    const int out = problem.flags & kOutMask;
    if constexpr (kMany) {  // one branch for all
      if (out == kOutBf16) store_all(problem, n, column, kOutBf16, values);
      else if (out == kOutFp16) store_all(problem, n, column, kOutFp16, values);
      else store_all(problem, n, column, kOutFp32, values);
    } else {
      store_all(problem, n, column, out, values);
    }
  }

  template <int kColumns>
  __device__ __forceinline__ void store_all(const Problem& problem, int n, int column, int out, const float (&values)[kCount][kColumns]) const {
#pragma unroll
    for (int j = 0; j < kCount; j++) {
      if (has(j)) store_values(problem.y, static_cast<long long>(m + j * m_step) * n + column, out, values[j]);
    }
  }

  __device__ __forceinline__ void store(const Problem& problem, const Part& part, float (&values)[kCount][4]) const {
    add_residual_and_store(problem, problem.n, part.first_row + row, values);
  }

  __device__ __forceinline__ void store_gated(const Problem& problem, const Part& part, float (&values)[kCount][4]) const {
    float gated[kCount][2];
#pragma unroll
    for (int j = 0; j < kCount; j++) {
#pragma unroll
      for (int c = 0; c < 2; c++) {
        const float gate = values[j][2 * c];
        gated[j][c] = __fmul_rn(__fdiv_rn(gate, __fadd_rn(1.0f, expf(-gate))), values[j][2 * c + 1]);
      }
    }
    add_residual_and_store(problem, problem.n / 2, (part.first_row + row) / 2, gated);
  }
};

// Per-channel operands come from device memory: under way before the block has anything else to do.
template <typename Adder>
__device__ __forceinline__ void prefetch_columns(const Problem& problem, const Part& part, const Adder& adder) {
  if (!adder.has(0)) return;
  const int row = part.first_row + adder.row;
  if (problem.scale_w != nullptr) ptx::prefetch_l2(problem.scale_w + (problem.flags & kScalePerChannel ? row : 0));
  if (problem.bias != nullptr) ptx::prefetch_l2(problem.bias + row);
}

// Writes this warpgroup's sums (Mma's register layout) of the rows `base + ...` to the block's partial sums [m][row]; rows below
// `first` belong to another warpgroup, rows from part.rows on and columns from M on to nobody.
template <bool kMany, typename Sum, int kSums>
__device__ __forceinline__ void store_partials(const Problem& problem, const Part& part, uint32_t partials, const Sum (&sums)[kSums],
                                               int base, int first) {
  const int thread = threadIdx.x % kGroupThreads, row_bytes = partial_pitch(part.rows) * 4;
  const int row = base + thread / 32 * 16 + thread % 32 / 4, column = thread % 4 * 2;
  const bool low = row >= first && row < part.rows, high = row + 8 >= first && row + 8 < part.rows;
  uint32_t at = partials + column * row_bytes + row * 4;
  if constexpr (kMany) {
    if (base == first && base + kPieceRows <= part.rows && problem.m % 8 == 0) {  // nothing to leave out
      uint32_t next = at + row_bytes;
#pragma unroll
      for (int i = 0; i < kSums; i += 4, at += 8 * row_bytes, next += 8 * row_bytes) {
        if (i * 2 >= problem.m) break;
        ptx::store_4(at, sums[i]);
        ptx::store_4(at + 32, sums[i + 2]);
        ptx::store_4(next, sums[i + 1]);
        ptx::store_4(next + 32, sums[i + 3]);
      }
      return;
    }
  }
#pragma unroll
  for (int i = 0; i < kSums; i += 4, at += 8 * row_bytes) {
    const int columns = problem.m - i * 2;  // of this group of 8 and those behind it
    if (columns <= 0) break;
#pragma unroll
    for (int c = 0; c < 2; c++) {
      const bool inside = columns >= 8 || column + c < columns;
      if (inside && low) ptx::store_4(at + c * row_bytes, sums[i + c]);
      if (inside && high) ptx::store_4(at + c * row_bytes + 32, sums[i + 2 + c]);
    }
  }
}

constexpr int kConsumers = 1;  // named barrier

// Sends every other block of the cluster its slice of this block's partial sums. The first threads of the block, after a barrier.
template <int kSplit>
__device__ __forceinline__ void send_shares(const Problem& problem, const Part& part, const Ring& ring, uint32_t partials) {
  const int to = static_cast<int>(threadIdx.x) < part.rank ? threadIdx.x : threadIdx.x + 1;
  if (to >= kSplit) return;
  const Slice slice = Slice::of(problem.m, part.rows, to, kSplit);
  const int from = slice.begin_bytes(part.rows), bytes = slice.bytes(part.rows);
  if (bytes == 0) return;
  const uint32_t share = ring.base + ring.at.shares + (part.rank < to ? part.rank : part.rank - 1) * ring.at.share;
  ptx::cluster_copy(ptx::cluster_address(share, to), partials + from, bytes, ptx::cluster_address(ring.shares_full(), to));
}

// From sums to Y, called by the `threads` consumer threads; `first`: first row of the warpgroup. Each of the blocks that split K adds a
// slice of the (m, four columns) pairs.
template <typename Sum, int kSplit, bool kMany, int kSums, typename Adder>
__device__ __forceinline__ void finish(const Problem& problem, const Part& part, const Ring& ring, const Sum (&sums)[kSums], int threads,
                                       int first, Adder& adder) {
  const uint32_t partials = ring.base + kBarrierBytes;
  const int row_bytes = partial_pitch(part.rows) * 4;
  ptx::named_sync(kConsumers, threads);  // from here on no wgmma reads the ring
  store_partials<kMany>(problem, part, partials, sums, piece_base(problem.rows, first), first);
  if constexpr (kSplit == 1) {
    ptx::named_sync(kConsumers, threads);
    TRACE(problem.flags, threadIdx.x == 0, kClusterMet);
    adder.add_and_store(problem, part, [&](int m, int row, int) { return ptx::load_16(partials + m * row_bytes + row * 4); });
  } else {
    ptx::proxy_fence();
    ptx::cluster_wait();  // all blocks of the cluster have made their barriers
    ptx::named_sync(kConsumers, threads);
    send_shares<kSplit>(problem, part, ring, partials);
    TRACE(problem.flags, threadIdx.x == 0, kClusterMet);
    if (adder.has(0)) ptx::barrier_wait(ring.shares_full(), 0);
    ptx::cluster_arrive();
    TRACE(problem.flags, threadIdx.x == 0, kSharesThere);
    const uint32_t begin = Slice::of(problem.m, part.rows, part.rank, kSplit).begin_bytes(part.rows);
    uint32_t bases[kSplit];
#pragma unroll
    for (int rank = 0; rank < kSplit; rank++) {
      bases[rank] = rank == part.rank ? partials : ring.base + ring.at.shares + (rank < part.rank ? rank : rank - 1) * ring.at.share - begin;
    }
    adder.add_and_store(problem, part, [&](int m, int row, int rank) {
      const uint32_t at = m * row_bytes + row * 4;
      if constexpr (kMany) {
        return ptx::load_16(bases[rank] + at);
      } else {
        if (rank == part.rank) return ptx::load_16(partials + at);
        return ptx::load_16(ring.base + ring.at.shares + (rank < part.rank ? rank : rank - 1) * ring.at.share + at - begin);
      }
    });
    ptx::cluster_wait();  // a block's shared memory lives until its neighbours have what it sent
  }
}

}  // namespace gemm_decode
