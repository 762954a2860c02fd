// The matrix instructions of attention in training: 64 rows of fp32 sums spread over a warpgroup, onto which goes the product over
// 16 of the depth, operands bf16. Tiles in shared memory are chunks of 64 columns: rows of 128 bytes, 128-byte swizzle. A tile is a
// right operand both ways: its rows may be the columns of the product ("across") or its depth ("down").
//
// Thread t of the warpgroup, sum 4 j + 2 h + i: row 16 (t / 32) + (t % 32) / 4 + 8 h, column 8 j + 2 (t % 4) + i; a left operand in
// registers is what the sums of 16 columns become when rounded (PTX ISA, figures of the fragments of .m64nNk16).
#pragma once

#include <cuda_bf16.h>

#include "numbers.cuh"
#include "ptx.cuh"
#include "reduce.cuh"

namespace train_attention {

using Bf16 = __nv_bfloat16;

constexpr int kTile = 64;                     // rows of a tile, and of a warpgroup
constexpr int kRowBytes = 128;
constexpr int kSums = kTile / 2;              // a thread's share of 64 x 64
constexpr int kSteps = kTile / 16;

// kGroups warpgroups with 64 rows each.
template <int kDim, int kGroups>
struct Shape {
  static constexpr int kThreads = 128 * kGroups;
  static constexpr int kRows = kTile * kGroups;
  static constexpr int kOwnBytes = kRows * kDim * 2;    // a tile of all warpgroups
  static constexpr int kTileBytes = kTile * kDim * 2;
  static constexpr int kOutputs = kDim / 2;             // a thread's share of 64 x kDim

  // Copies kCount rows; those from `valid` on become zeros.
  template <int kCount>
  __device__ __forceinline__ static void load(uint32_t to, const Bf16* from, int stride, int valid) {
    constexpr int kUnits = kDim / 8;
#pragma unroll
    for (int i = threadIdx.x; i < kCount * kUnits; i += kThreads) {
      const int row = i / kUnits, unit = i % kUnits;
      const bool inside = row < valid;
      const Bf16* at = from + (inside ? static_cast<long long>(row) * stride + 8 * unit : 0);
      ptx::copy_16(to + place<kCount>(row, unit), at, inside ? 16 : 0);
    }
  }

  // Where a unit of 16 bytes lies in a tile of kCount rows.
  template <int kCount>
  __device__ __forceinline__ static uint32_t place(int row, int unit) {
    return unit / 8 * kCount * kRowBytes + row * kRowBytes + ((unit % 8 ^ row % 8) << 4);
  }
};

// The tile that begins at `address`, read down: chunks of 64 columns lie 8192 bytes apart (leading offset), 8 rows 1024 (stride).
// Source: PTX ISA, 9.7.15.5.1, canonical layouts of MN-major operands.
__device__ __forceinline__ uint64_t down_descriptor(uint32_t address) {
  return static_cast<uint64_t>((address & 0x3FFFF) >> 4) | (static_cast<uint64_t>(kTile * kRowBytes >> 4) << 16) | (64ull << 32) | (1ull << 62);
}

#define TRAIN_ATTENTION_LIST_32                                                                                         \
  "%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31"
#define TRAIN_ATTENTION_LIST_64                                                                                         \
  TRAIN_ATTENTION_LIST_32 ",%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43,%44,%45,%46,%47,%48,%49,%50,%51,%52,%53,%54," \
                          "%55,%56,%57,%58,%59,%60,%61,%62,%63"
#define TRAIN_ATTENTION_8(i) \
  "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3]), "+f"(d[i + 4]), "+f"(d[i + 5]), "+f"(d[i + 6]), "+f"(d[i + 7])
#define TRAIN_ATTENTION_32(i) TRAIN_ATTENTION_8(i), TRAIN_ATTENTION_8(i + 8), TRAIN_ATTENTION_8(i + 16), TRAIN_ATTENTION_8(i + 24)

// d [64, 64] = or += a b^T.
__device__ __forceinline__ void multiply_across(float (&d)[32], uint64_t a, uint64_t b, int add) {
  asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, %34, 0;\nwgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 {" TRAIN_ATTENTION_LIST_32
               "}, %32, %33, p, 1, 1, 0, 0;\n}\n"
               : TRAIN_ATTENTION_32(0)
               : "l"(a), "l"(b), "r"(add)
               : "memory");
}

// d [64, 64 or 128] += a b, a in registers.
__device__ __forceinline__ void multiply_down(float (&d)[32], const uint32_t (&a)[4], uint64_t b) {
  asm volatile("wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 {" TRAIN_ATTENTION_LIST_32
               "}, {%32,%33,%34,%35}, %36, 1, 1, 1, 1;\n"
               : TRAIN_ATTENTION_32(0)
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b)
               : "memory");
}

__device__ __forceinline__ void multiply_down(float (&d)[64], const uint32_t (&a)[4], uint64_t b) {
  asm volatile("wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 {" TRAIN_ATTENTION_LIST_64
               "}, {%64,%65,%66,%67}, %68, 1, 1, 1, 1;\n"
               : TRAIN_ATTENTION_32(0), TRAIN_ATTENTION_32(32)
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b)
               : "memory");
}

#undef TRAIN_ATTENTION_32
#undef TRAIN_ATTENTION_8
#undef TRAIN_ATTENTION_LIST_64
#undef TRAIN_ATTENTION_LIST_32

// s = a b^T over kDim: a the warpgroup's 64 of kRows rows of a tile, b a tile of 64. Begins a group of instructions.
template <int kDim, int kRows>
__device__ __forceinline__ void across(float (&s)[kSums], uint32_t a, uint32_t b) {
#pragma unroll
  for (int step = 0; step < kDim / 16; step++) {
    multiply_across(s, ptx::swizzled_descriptor(a + step / 4 * kRows * kRowBytes) + 2 * (step % 4),
                    ptx::swizzled_descriptor(b + step / 4 * kTile * kRowBytes) + 2 * (step % 4), step > 0);
  }
  ptx::wgmma_commit();
}

// sums += left b over 64: b a tile. Begins a group of instructions.
template <int kOutputs>
__device__ __forceinline__ void down(float (&sums)[kOutputs], const uint32_t (&left)[kSteps][4], uint32_t b) {
#pragma unroll
  for (int step = 0; step < kSteps; step++) multiply_down(sums, left[step], down_descriptor(b) + 128 * step);
  ptx::wgmma_commit();
}

// The left operand that sums become, rounded to bf16.
__device__ __forceinline__ void round_left(uint32_t (&left)[kSteps][4], const float (&s)[kSums]) {
#pragma unroll
  for (int i = 0; i < kSums / 2; i++) left[i / 4][i % 4] = numbers::floats_to_bf16x2(s[2 * i], s[2 * i + 1]);
}

template <int kCount>
__device__ __forceinline__ void hold(float (&sums)[kCount]) {
#pragma unroll
  for (float& sum : sums) ptx::hold(sum);
}

// sums [64, kDim], rows g and g + 8 times factor[0] and factor[1], to the rows of `out` below `valid`; through the warp's own 16 of
// kRows rows of a tile in shared memory.
template <int kDim, int kGroups>
__device__ __forceinline__ void write(const float (&sums)[kDim / 2], const float (&factor)[2], unsigned char* staged, int own, Bf16* out,
                                      long long stride, int valid) {
  using S = Shape<kDim, kGroups>;
  const int lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
  __syncwarp();
#pragma unroll
  for (int j = 0; j < kDim / 8; j++) {
#pragma unroll
    for (int h = 0; h < 2; h++) {
      const float *pair = sums + 4 * j + 2 * h;
      *reinterpret_cast<uint32_t*>(staged + S::template place<S::kRows>(own + g + 8 * h, j) + 4 * t) =
          numbers::floats_to_bf16x2(__fmul_rn(factor[h], pair[0]), __fmul_rn(factor[h], pair[1]));
    }
  }
  __syncwarp();
  for (int i = lane; i < 16 * (kDim / 8); i += 32) {
    const int row = i / (kDim / 8), unit = i % (kDim / 8);
    if (row < valid) {
      *reinterpret_cast<uint4*>(out + row * stride + 8 * unit) =
          *reinterpret_cast<const uint4*>(staged + S::template place<S::kRows>(own + row, unit));
    }
  }
}

// Waits for all copies of all threads; the tiles may then be multiplied.
__device__ __forceinline__ void arrive() {
  ptx::copy_wait<0>();
  ptx::proxy_fence();
  __syncthreads();
}

// The tokens of one block: a sequence and a head of it.
struct Place {
  long long origin;   // of the sequence
  int length;

  __device__ __forceinline__ explicit Place(const int* boundaries)
      : origin(boundaries[blockIdx.z]), length(boundaries[blockIdx.z + 1] - boundaries[blockIdx.z]) {}
};

// Shared memory from a multiple of 1024 on, which the swizzle wants.
__device__ __forceinline__ unsigned char* aligned_shared() {
  extern __shared__ __align__(1024) unsigned char train_attention_shared[];
  return train_attention_shared;
}

}  // namespace train_attention
