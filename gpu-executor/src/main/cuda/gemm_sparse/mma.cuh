// The sparse matrix instructions (wgmma.mma_async.sp, sm_90a): 64 x n sums spread over a warpgroup, onto or in place of which goes the
// product over 64 bytes of X's K. A: 64 rows with 32 bytes of kept values each, 64-byte swizzle; B: n rows, 128-byte swizzle; both from
// shared memory, K-major.
//
// Metadata: a nibble for each four columns, the positions of the two kept ones, the lower first in the lower two bits. Thread t of
// the warpgroup, g = t % 32 / 4, has of rows 16 (t / 32) + g and that + 8:
//   e4m3 (64 columns)  row + 8 (t % 2), columns 32 (t / 2 % 2) and on: eight nibbles
//   bf16 (32 columns)  both rows, the low half and the high half of a word, columns 16 (t % 2) and on: four nibbles each, in the
//                      threads with t / 2 % 2 = selector
// Source: PTX ISA 9.0, 9.7.15.6; sums lie as in gemm_prefill/mma.cuh.
#pragma once

#include <cstdint>

#include "../gemm_prefill/mma.cuh"

namespace gemm_sparse {

using gemm_prefill::Bf16;
using gemm_prefill::E4m3;

template <typename Type, int n, int selector>
struct MmaSparse;

#define LIST_64 \
  "%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23," \
  "%24,%25,%26,%27,%28,%29,%30,%31,%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43,%44,%45,%46,%47," \
  "%48,%49,%50,%51,%52,%53,%54,%55,%56,%57,%58,%59,%60,%61,%62,%63"
#define LIST_80 \
  LIST_64 "," \
  "%64,%65,%66,%67,%68,%69,%70,%71,%72,%73,%74,%75,%76,%77,%78,%79"
#define LIST_88 \
  LIST_80 "," \
  "%80,%81,%82,%83,%84,%85,%86,%87"
#define LIST_96 \
  LIST_88 "," \
  "%88,%89,%90,%91,%92,%93,%94,%95"

#define SUMS_8(i) "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3]), "+f"(d[i + 4]), "+f"(d[i + 5]), "+f"(d[i + 6]), "+f"(d[i + 7])
#define SUMS_32(i) SUMS_8(i), SUMS_8(i + 8), SUMS_8(i + 16), SUMS_8(i + 24)
#define SUMS_64 SUMS_32(0), SUMS_32(32)
#define SUMS_80 SUMS_64, SUMS_8(64), SUMS_8(72)
#define SUMS_88 SUMS_80, SUMS_8(80)
#define SUMS_96 SUMS_64, SUMS_32(64)

// A, B, E, P: the numbers of the operands behind the `REGISTERS` sums.
#define DEFINE_SPARSE(TYPE, COLUMNS, REGISTERS, SELECTOR, INSTRUCTION, A, B, E, P, TAIL)                                      \
  template <>                                                                                                                 \
  struct MmaSparse<TYPE, COLUMNS, SELECTOR> {                                                                                 \
    static __device__ __forceinline__ void run(float (&d)[REGISTERS], uint64_t a, uint64_t b, uint32_t metadata, int add) {   \
      asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, %" P ", 0;\nwgmma.mma_async.sp.sync.aligned.m64n" #COLUMNS             \
                   INSTRUCTION " {" LIST_##REGISTERS "}, %" A ", %" B ", %" E ", " #SELECTOR ", p" TAIL ";\n}\n"              \
                   : SUMS_##REGISTERS                                                                                         \
                   : "l"(a), "l"(b), "r"(metadata), "r"(add)                                                                  \
                   : "memory");                                                                                               \
    }                                                                                                                         \
  };
#define DEFINE_COLUMNS(COLUMNS, REGISTERS, A, B, E, P)                                                            \
  DEFINE_SPARSE(E4m3, COLUMNS, REGISTERS, 0, "k64.f32.e4m3.e4m3", A, B, E, P, ", 1, 1")                           \
  DEFINE_SPARSE(Bf16, COLUMNS, REGISTERS, 0, "k32.f32.bf16.bf16", A, B, E, P, ", 1, 1, 0, 0")                     \
  DEFINE_SPARSE(Bf16, COLUMNS, REGISTERS, 1, "k32.f32.bf16.bf16", A, B, E, P, ", 1, 1, 0, 0")

DEFINE_COLUMNS(128, 64, "64", "65", "66", "67")
DEFINE_COLUMNS(160, 80, "80", "81", "82", "83")
DEFINE_COLUMNS(176, 88, "88", "89", "90", "91")
DEFINE_COLUMNS(192, 96, "96", "97", "98", "99")

#undef DEFINE_COLUMNS
#undef DEFINE_SPARSE
#undef SUMS_8
#undef SUMS_32
#undef SUMS_64
#undef SUMS_80
#undef SUMS_88
#undef SUMS_96
#undef LIST_64
#undef LIST_80
#undef LIST_88
#undef LIST_96

}  // namespace gemm_sparse
