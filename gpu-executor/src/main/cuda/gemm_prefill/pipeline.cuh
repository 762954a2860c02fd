// What all prefill kernels share: the order of tiles, the ring of operand stages that a cluster of two blocks fills together,
// and the output.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "../include/ptx.cuh"
#include "../include/ring.cuh"
#include "tiling.cuh"

namespace gemm_prefill {

constexpr int kProducerThreads = 128;
constexpr int kConsumerWarps = 8;
constexpr int kThreads = kProducerThreads + 32 * kConsumerWarps;
constexpr int kCluster = 2;
constexpr int kConsumerRegisters = 232, kProducerRegisters = 40;
constexpr int kSharedBytes = 227 * 1024;

// Tiles are taken in groups of kGroup along the first axis, so that the clusters that run together share both operands in L2.
struct Tile {
  int first, second;
};

__device__ __forceinline__ Tile tile_at(int index, int firsts, int seconds) {
  constexpr int kGroup = 8;
  const int group = index / (kGroup * seconds), within = index % (kGroup * seconds);
  const int size = min(kGroup, firsts - group * kGroup);
  return {group * kGroup + within % size, within / size};
}

using ring::Ring;

// mbarriers of a ring: full (bytes have landed) and free (both blocks' consumers are done with the stage).
template <int kStages>
struct Barriers {
  uint32_t base;
  __device__ __forceinline__ uint32_t full(int stage) const { return base + 8 * stage; }
  __device__ __forceinline__ uint32_t free(int stage) const { return base + 8 * (kStages + stage); }

  __device__ void init(int consumers, int producers = 1) const {
    for (int i = 0; i < kStages; i++) {
      ptx::barrier_init(full(i), producers);
      ptx::barrier_init(free(i), consumers);
    }
  }
};

// Of this block in its cluster. Volatile: read where it is used, not kept in a register.
__device__ __forceinline__ int cluster_rank() {
  int rank;
  asm volatile("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
  return rank;
}

// Copies to the same place in every block of `mask`, and to the same mbarrier there.
__device__ __forceinline__ void multicast_copy(uint32_t to, const void* from, uint32_t bytes, uint32_t barrier, uint16_t mask) {
  asm volatile(
      "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster [%0], [%1], %2, [%3], %4;" ::"r"(to),
      "l"(from), "r"(bytes), "r"(barrier), "h"(mask)
      : "memory");
}

__device__ __forceinline__ void copy(uint32_t to, const void* from, uint32_t bytes, uint32_t barrier) {
  asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(to), "l"(from),
               "r"(bytes), "r"(barrier)
               : "memory");
}

__device__ __forceinline__ float2 load_shared_8(uint32_t address) {
  float2 value;
  asm volatile("ld.shared.v2.f32 {%0, %1}, [%2];" : "=f"(value.x), "=f"(value.y) : "r"(address) : "memory");
  return value;
}

// One arrival of this warp at the barrier in both blocks of the cluster. Without `.release.cluster`, which costs a fence of
// the whole device (MEMBAR.ALL.GPU): the stage was read by finished wgmmas only, and no memory is written here.
__device__ __forceinline__ void arrive_in_cluster(uint32_t barrier, int lane) {
  if (lane < kCluster) {
    asm volatile("mbarrier.arrive.shared::cluster.b64 _, [%0];" ::"r"(ptx::cluster_address(barrier, lane)) : "memory");
  }
}

// A run of rows of a tiled operand within a block of 128: where its block 0 of K begins.
struct Rows {
  const uint8_t* from;
  uint32_t bytes;
};

// The first rows of the `count` <= 128 at `first` that lie in one of `blocks` blocks. Rows beyond them repeat the last one.
__device__ __forceinline__ Rows rows_of(const uint8_t* operand, int blocks, int k_blocks, int first, int count) {
  const int inside = first % kRows, block = min(first / kRows, blocks - 1);
  return {operand + static_cast<long long>(block) * k_blocks * kBlockBytes + inside * kRowBytes,
          static_cast<uint32_t>(min(count, kRows - inside) * kRowBytes)};
}

// What the store of a tile does beside scales and bias. kGate: rows 2 i and 2 i + 1 of W are gate and up, Y [M, N / 2] is
// silu(gate) * up. kResidual: adds it last. kAdd: adds to Y, which is fp32.
enum class Fuse { kNone, kGate, kResidual, kAdd };

// y_type: 0 bf16, 1 fp16, 2 fp32; bias [N] fp32 or null; scales [M] and [N], or of the whole tensor with stride 0, or null.
struct Output {
  void* y;
  const float* bias;
  const float* x_scales;
  const float* w_scales;
  int x_stride, w_stride;
  int m, n;
  int y_type;
  const void* residual;   // like Y, may be Y: only with Fuse::kResidual

  // Scale of row m, times that of all columns when they have one.
  __device__ __forceinline__ float row_scale(int row) const {
    const float scale = x_scales == nullptr ? 1.0f : x_scales[static_cast<long long>(row) * x_stride];
    return w_scales != nullptr && w_stride == 0 ? __fmul_rn(scale, w_scales[0]) : scale;
  }
  __device__ __forceinline__ bool has_column_scales() const { return w_scales != nullptr && w_stride != 0; }

  __device__ __forceinline__ float2 unpack(uint32_t pair) const {
    if (y_type == 0) return make_float2(__uint_as_float(pair << 16), __uint_as_float(pair & 0xFFFF0000u));
    return __half22float2(*reinterpret_cast<const __half2*>(&pair));
  }

  __device__ __forceinline__ uint32_t pack(float low, float high) const {
    if (y_type == 0) {
      const __nv_bfloat162 pair = __floats2bfloat162_rn(low, high);
      return *reinterpret_cast<const uint32_t*>(&pair);
    }
    const __half2 pair = __floats2half2_rn(low, high);
    return *reinterpret_cast<const uint32_t*>(&pair);
  }
};

}  // namespace gemm_prefill
