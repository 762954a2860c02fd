// The consumer side of the int4 GEMM: products, sums over the cluster, output; and the kernel body.
#pragma once

#include "stream.cuh"

namespace gemm_int4 {

// Writes 16 bytes to another block of the cluster and takes them off the transaction count of its mbarrier.
__device__ __forceinline__ void send_16(uint32_t to, uint32_t barrier, const float* from) {
  asm volatile("st.async.shared::cluster.mbarrier::complete_tx::bytes.v4.f32 [%0], {%1, %2, %3, %4}, [%5];" ::"r"(to),
               "f"(from[0]), "f"(from[1]), "f"(from[2]), "f"(from[3]), "r"(barrier)
               : "memory");
}

// The first phase of an mbarrier whose bytes come from other blocks. Their st.async made them visible with the completion: a fence
// of the cluster would be one of the whole device, 1 us.
__device__ __forceinline__ void wait_for_cluster(uint32_t barrier) {
  uint32_t done;
  do {
    asm volatile(
        "{\n"
        ".reg .pred p;\n"
        "mbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 p, [%1], 0;\n"
        "selp.u32 %0, 1, 0, p;\n"
        "}\n"
        : "=r"(done)
        : "r"(barrier)
        : "memory");
  } while (done == 0);
}

// Group sums of `kSteps` wgmma steps, from step `first` of the block: unpacks two words, starts their products, unpacks the next.
template <Type type, int kN, int kSteps, typename F>
__device__ __forceinline__ void start_group(const F& block, int first, const Offsets& minus, uint32_t x,
                                            uint32_t (&a)[kSteps][4], float (&sums)[kN / 2]) {
  constexpr int kHalfBytes = kN * 128;   // 128 bytes of every row of X
  const uint64_t descriptor = ptx::swizzled_descriptor(x);
#pragma unroll
  for (int i = 0; i < kSteps; i++) {
    const int step = first + i;
    if constexpr (type == Type::kE4m3) {
      unpack_8(block.words[2 * step], block.words[2 * step + 1], a[i]);
    } else {
      unpack_16<type>(block.words[step], minus, a[i]);
      if (i % 2 == 0) continue;
    }
    ptx::wgmma_fence();
#pragma unroll
    for (int j = type == Type::kE4m3 ? i : i - 1; j <= i; j++) {
      const int at = first + j;
      Mma<type, kN>::run(sums, a[j], descriptor + (at / 4 * kHalfBytes + at % 4 * 32) / 16, j > 0);
    }
    ptx::wgmma_commit();
  }
}

// The block's share of K: sums[..] = sum over its groups of scale x (codes times X).
template <Type type, int kGroup, int kN, typename P>
__device__ __forceinline__ void multiply(const P plan, const FragmentPlace& place, bool asymmetric, int blocks, int lane, float (&sums)[kN / 2]) {
  constexpr int kGroups = kTile / kGroup;
  constexpr int kSteps = kGroup * P::kElementBytes / 32;   // of a group
  Ring<P::kStages> current, ring;   // the block that is multiplied, for addresses that a warp shares, and the next one
  Fragment<kGroups> block, next;
  float part[kN / 2];
#pragma unroll
  for (int i = 0; i < kN / 2; i++) part[i] = sums[i] = 0.0f;
  if (blocks == 0) return;
  const auto take = [&](Fragment<kGroups>& to) {
    ptx::barrier_wait(plan.full(ring.stage), ring.parity);
    load_fragment(place, ring.stage * P::kWeightStageBytes, asymmetric, to);
    ring.next();
  };
  take(block);
#pragma unroll 1
  for (int i = 0; i < blocks; i++) {
#pragma unroll
    for (int g = 0; g < kGroups; g++) {
      uint32_t a[kSteps][4];
      Offsets minus{};
      if constexpr (type != Type::kE4m3) minus = asymmetric ? offsets<type>(block.zeros[g]) : symmetric_offsets<type>();
      start_group<type, kN, kSteps>(block, g * kSteps, minus, plan.x(current.stage), a, part);
      if (g == kGroups - 1 && i + 1 < blocks) take(next);
      ptx::wgmma_wait<0>();
#pragma unroll
      for (int j = 0; j < kN / 2; j++) ptx::hold(part[j]);
      ptx::hold(a);
      const float2 scale = widen<type>(block.scales[g]);
#pragma unroll
      for (int j = 0; j < kN / 2; j++) sums[j] = __fmaf_rn(part[j], j & 2 ? scale.y : scale.x, sums[j]);
    }
    __syncwarp();
    if (lane == 0) ptx::barrier_arrive(plan.free(current.stage));
    current.next();
    block = next;
  }
}

// The same for up to 8 rows of 16-bit X, with the same bits: products by mma.sync, which takes a fraction of the tensor core's time that
// a wgmma of 8 columns takes, and no warp waits for the three others of a warpgroup.
template <Type type, int kGroup, typename P>
__device__ __forceinline__ void multiply_eight(const P plan, const FragmentPlace& place, bool asymmetric, int blocks, int lane, float (&sums)[4]) {
  constexpr int kGroups = kTile / kGroup, kSteps = kGroup / 16;
  constexpr int kHalfBytes = 8 * 128;   // 64 columns of every row of X
  Ring<P::kStages> ring;
#pragma unroll
  for (int i = 0; i < 4; i++) sums[i] = 0.0f;
  // ldmatrix: a lane points at 16 bytes, lane / 8, of row lane % 8; the next 64 of the 128 swizzled bytes are an exclusive or away.
  const uint32_t lane_of_x = lane % 8 * 128 + ((lane / 8 ^ lane % 8) << 4);
#pragma unroll 1
  for (int i = 0; i < blocks; i++) {
    Fragment<kGroups> block;
    const uint32_t x[2] = {plan.x(ring.stage) + lane_of_x, plan.x(ring.stage) + (lane_of_x ^ 64)};
    ptx::barrier_wait(plan.full(ring.stage), ring.parity);
    load_fragment(place, ring.stage * P::kWeightStageBytes, asymmetric, block);
#pragma unroll
    for (int g = 0; g < kGroups; g++) {
      const Offsets minus = asymmetric ? offsets<type>(block.zeros[g]) : symmetric_offsets<type>();
      float part[4] = {};
#pragma unroll
      for (int step = g * kSteps; step < (g + 1) * kSteps; step += 2) {
        uint32_t a[2][4], b[4];
        ptx::load_matrices(b, x[step / 2 % 2] + step / 4 * kHalfBytes);
        unpack_16<type>(block.words[step], minus, a[0]);
        unpack_16<type>(block.words[step + 1], minus, a[1]);
        WarpMma<type>::run(part, a[0], b[0], b[1]);
        WarpMma<type>::run(part, a[1], b[2], b[3]);
      }
      const float2 scale = widen<type>(block.scales[g]);
#pragma unroll
      for (int j = 0; j < 4; j++) sums[j] = __fmaf_rn(part[j], j & 2 ? scale.y : scale.x, sums[j]);
    }
    __syncwarp();
    if (lane == 0) ptx::barrier_arrive(plan.free(ring.stage));
    ring.next();
  }
}

// Adds the shares of K over the cluster in the order of K. Warp w's sums are completed by block w % S, which gets them from the
// others through shared memory. True for a warp whose sums are complete.
template <int kN, int kSplit, typename P>
__device__ __forceinline__ bool add_shares(const P plan, int vectors, int rank, int warp, int lane, float (&sums)[kN / 2]) {
  constexpr int kOwned = P::kOwned, kVectors = kN / 8;
  const int owner = warp % kSplit;
  const auto slot = [&](int from) { return plan.shares() + (from * kOwned + warp / kSplit) * (kVectors * 512) + lane * 16; };
  if (owner != rank) {
    const uint32_t to = ptx::cluster_address(slot(rank), owner), full = ptx::cluster_address(plan.shares_full(), owner);
#pragma unroll
    for (int v = 0; v < kVectors; v++) {
      if (v < vectors) send_16(to + v * 512, full, &sums[4 * v]);
    }
    return false;
  }
  wait_for_cluster(plan.shares_full());
#pragma unroll
  for (int v = 0; v < kVectors; v++) {
    if (v >= vectors) break;
    float total[4];
#pragma unroll
    for (int from = 0; from < kSplit; from++) {
      float part[4] = {sums[4 * v], sums[4 * v + 1], sums[4 * v + 2], sums[4 * v + 3]};
      if (from != rank) load_shared_16(slot(from) + v * 512, reinterpret_cast<uint32_t*>(part));
#pragma unroll
      for (int i = 0; i < 4; i++) total[i] = from == 0 ? part[i] : __fadd_rn(total[i], part[i]);
    }
#pragma unroll
    for (int i = 0; i < 4; i++) sums[4 * v + i] = total[i];
  }
  return true;
}

// Two neighbouring numbers of a matrix like Y.
__device__ __forceinline__ float2 load_pair(const void* from, int type, long long at) {
  if (type == 0) return __bfloat1622float2(*reinterpret_cast<const __nv_bfloat162*>(static_cast<const __nv_bfloat16*>(from) + at));
  if (type == 1) return __half22float2(*reinterpret_cast<const __half2*>(static_cast<const __half*>(from) + at));
  return *reinterpret_cast<const float2*>(static_cast<const float*>(from) + at);
}

__device__ __forceinline__ void store_pair(void* to, int type, long long at, float2 value) {
  if (type == 0) {
    *reinterpret_cast<__nv_bfloat162*>(static_cast<__nv_bfloat16*>(to) + at) = __floats2bfloat162_rn(value.x, value.y);
  } else if (type == 1) {
    *reinterpret_cast<__half2*>(static_cast<__half*>(to) + at) = __floats2half2_rn(value.x, value.y);
  } else {
    *reinterpret_cast<float2*>(static_cast<float*>(to) + at) = value;
  }
}

__device__ __forceinline__ float load_one(const void* from, int type, long long at) {
  if (type == 0) return __bfloat162float(static_cast<const __nv_bfloat16*>(from)[at]);
  return type == 1 ? __half2float(static_cast<const __half*>(from)[at]) : static_cast<const float*>(from)[at];
}

__device__ __forceinline__ void store_one(void* to, int type, long long at, float value) {
  if (type == 0) {
    static_cast<__nv_bfloat16*>(to)[at] = __float2bfloat16_rn(value);
  } else if (type == 1) {
    static_cast<__half*>(to)[at] = __float2half_rn(value);
  } else {
    static_cast<float*>(to)[at] = value;
  }
}

// Two neighbouring sums of row `row`, or gate and up of one output.
__device__ __forceinline__ void finish_pair(const Problem& p, int row, int column, float2 value) {
  const int type = p.y_type & kTypeMask;
  if ((p.y_type & kGate) != 0) {
    const long long at = static_cast<long long>(row) * (p.n / 2) + column / 2;
    float one = __fmul_rn(__fdiv_rn(value.x, __fadd_rn(1.0f, expf(-value.x))), value.y);
    if (p.residual != nullptr) one = __fadd_rn(one, load_one(p.residual, type, at));
    store_one(p.y, type, at, one);
    return;
  }
  const long long at = static_cast<long long>(row) * p.n + column;
  if (p.residual != nullptr) {
    const float2 added = load_pair(p.residual, type, at);
    value = make_float2(__fadd_rn(value.x, added.x), __fadd_rn(value.y, added.y));
  }
  store_pair(p.y, type, at, value);
}

template <Type type, int kN>
__device__ __forceinline__ void store(const Problem& p, int column, int lane, const float (&sums)[kN / 2]) {
  if (column >= p.n) return;
  const float2 bias = p.bias == nullptr ? make_float2(0.0f, 0.0f) : make_float2(p.bias[column], p.bias[column + 1]);
#pragma unroll
  for (int i = 0; i < kN / 4; i++) {
    const int row = i / 2 * 8 + lane % 4 * 2 + i % 2;
    if (row >= p.m) continue;
    const float2 sum = make_float2(sums[i / 2 * 4 + i % 2], sums[i / 2 * 4 + 2 + i % 2]);
    const float scale = type == Type::kE4m3 ? __fmul_rn(p.x_scales[row], kE4m3Unit) : 1.0f;
    finish_pair(p, row, column, make_float2(__fmaf_rn(sum.x, scale, bias.x), __fmaf_rn(sum.y, scale, bias.y)));
  }
}

template <typename P, int kSplit>
__device__ __forceinline__ void init_barriers(const P plan, int vectors, int rank) {
  for (int i = 0; i < P::kStages; i++) {
    ptx::barrier_init(plan.full(i), 1);
    ptx::barrier_init(plan.free(i), P::kWarps);
  }
  ptx::barrier_init(plan.shares_full(), 1);
  ptx::barrier_init_fence();
  if constexpr (kSplit > 1) {
    const int owned = (P::kWarps - rank + kSplit - 1) / kSplit;
    ptx::barrier_arrive_expect(plan.shares_full(), (kSplit - 1) * owned * vectors * 512);
  }
}

// Grid ceil(N / block_rows) * kSplit, clusters of kSplit, block_threads threads, P::kBytes of shared memory.
template <Type type, int kGroup, int kN, int kSplit>
__device__ __forceinline__ void gemm(const void* x, const Problem& p) {
  using P = Plan<type, kGroup, kN, kSplit>;
  constexpr int kHalves = kTile / block_rows(kN);
  extern __shared__ __align__(1024) uint8_t shared[];
  const P plan{ptx::shared_address(shared)};
  const int thread = static_cast<int>(threadIdx.x), lane = thread % 32;
  const int warp = __shfl_sync(0xFFFFFFFFu, thread / 32, 0);   // the same in all lanes, as the compiler then knows
  const int rows = static_cast<int>(blockIdx.x) / kSplit, rank = static_cast<int>(blockIdx.x) % kSplit;
  const int total = (p.k + kTile - 1) / kTile, half = rows % kHalves;
  const int first = total * rank / kSplit, blocks = total * (rank + 1) / kSplit - first;
  const int bytes = block_bytes(kGroup, p.asymmetric);
  const Share<P> share{p.weights + (static_cast<long long>(rows / kHalves) * total + first) * bytes, bytes, half, first, blocks};
  ptx::launch_dependents();
  if (thread == 32 * P::kWarps) {
    if ((plan.base & 1023) != 0) __trap();
    init_barriers<P, kSplit>(plan, p.vectors(), rank);
    fill_with_weights(plan, p.m, share);
  }
  __syncthreads();
  if constexpr (kSplit > 1) ptx::cluster_arrive();
  if (warp >= P::kWarps) {
    if constexpr (kN == 128) ptx::fewer_registers<40>();
    if (thread == 32 * P::kWarps) produce(plan, x, p.m, share);
    __syncwarp();
    if constexpr (kSplit > 1) ptx::cluster_wait();
    return;
  }
  if constexpr (kN == 128) ptx::more_registers<232>();
  const FragmentPlace place(plan.weights(0), plan.weights(0) + P::kBlockCodeBytes, kTile / kGroup, warp, lane, half);
  float sums[kN / 2];
  if constexpr (type == Type::kE4m3) {
    multiply<type, kGroup, kN>(plan, place, false, blocks, lane, sums);
  } else if constexpr (kN == 8) {   // a loop for each: unpacking is what takes the time here
    if (p.asymmetric) multiply_eight<type, kGroup>(plan, place, true, blocks, lane, sums);
    else multiply_eight<type, kGroup>(plan, place, false, blocks, lane, sums);
  } else if constexpr (kN == 16) {
    if (p.asymmetric) multiply<type, kGroup, kN>(plan, place, true, blocks, lane, sums);
    else multiply<type, kGroup, kN>(plan, place, false, blocks, lane, sums);
  } else {
    multiply<type, kGroup, kN>(plan, place, p.asymmetric, blocks, lane, sums);
  }
  if constexpr (kSplit > 1) {
    ptx::cluster_wait();   // all blocks of the cluster have started
    if (!add_shares<kN, kSplit>(plan, p.vectors(), rank, warp, lane, sums)) return;
  }
  ptx::wait_for_predecessor();
  store<type, kN>(p, rows * block_rows(kN) + warp * 16 + lane / 4 * 2, lane, sums);
}

}  // namespace gemm_int4
