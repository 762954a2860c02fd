// The matrix instruction of training: 64 x 192 fp32 sums spread over a warpgroup, onto or in place of which goes the product over
// 16 of the depth; both operands bf16 in shared memory, 128-byte swizzle. An operand is "deep" when the depth is contiguous in
// memory, else "wide": rows of 64 numbers of one depth.
//
// Thread t of the warpgroup, sum 4 j + 2 h + i: row 16 (t / 32) + (t % 32) / 4 + 8 h, column 8 j + 2 (t % 4) + i (PTX ISA,
// figure of the accumulator D of .m64nNk*).
#pragma once

#include <cstdint>

#include "ptx.cuh"

namespace gemm_train {

constexpr int kColumns = 192, kSums = kColumns / 2;
constexpr int kDepth = 64, kRowBytes = 2 * kDepth;
constexpr int kChunkBytes = 64 * kRowBytes;   // 64 rows or columns x 64 of the depth

// Of a wide operand at `address`, 1024-byte aligned: chunks of 64 rows (of W, or of Y) lie kChunkBytes apart (leading offset),
// 8 of the depth 1024 bytes (stride). Source: PTX ISA, 9.7.15.5.1, canonical layouts of MN-major operands.
__device__ __forceinline__ uint64_t wide_descriptor(uint32_t address) {
  return static_cast<uint64_t>((address & 0x3FFFF) >> 4) | (static_cast<uint64_t>(kChunkBytes >> 4) << 16) | (64ull << 32) | (1ull << 62);
}

// The descriptor of 16 of the depth, the `step`th of a stage.
template <bool kWide>
__device__ __forceinline__ uint64_t operand(uint32_t address, int step) {
  return kWide ? wide_descriptor(address) + 128 * step : ptx::swizzled_descriptor(address) + 2 * step;
}

#define GEMM_TRAIN_LIST                                                                                                 \
  "%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,"  \
  "%31,%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43,%44,%45,%46,%47,%48,%49,%50,%51,%52,%53,%54,%55,%56,%57,%58,"    \
  "%59,%60,%61,%62,%63,%64,%65,%66,%67,%68,%69,%70,%71,%72,%73,%74,%75,%76,%77,%78,%79,%80,%81,%82,%83,%84,%85,%86,"    \
  "%87,%88,%89,%90,%91,%92,%93,%94,%95"
#define GEMM_TRAIN_8(i) \
  "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3]), "+f"(d[i + 4]), "+f"(d[i + 5]), "+f"(d[i + 6]), "+f"(d[i + 7])
#define GEMM_TRAIN_32(i) GEMM_TRAIN_8(i), GEMM_TRAIN_8(i + 8), GEMM_TRAIN_8(i + 16), GEMM_TRAIN_8(i + 24)

template <bool kWideA, bool kWideB>
__device__ __forceinline__ void multiply(float (&d)[kSums], uint64_t a, uint64_t b, int add) {
  asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, %98, 0;\nwgmma.mma_async.sync.aligned.m64n192k16.f32.bf16.bf16 {" GEMM_TRAIN_LIST
               "}, %96, %97, p, 1, 1, %99, %100;\n}\n"
               : GEMM_TRAIN_32(0), GEMM_TRAIN_32(32), GEMM_TRAIN_32(64)
               : "l"(a), "l"(b), "r"(add), "n"(kWideA ? 1 : 0), "n"(kWideB ? 1 : 0)
               : "memory");
}

#undef GEMM_TRAIN_32
#undef GEMM_TRAIN_8
#undef GEMM_TRAIN_LIST

}  // namespace gemm_train
