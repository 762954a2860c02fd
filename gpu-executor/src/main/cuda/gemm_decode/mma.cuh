// The matrix instructions of the decode GEMM as types: Mma<Types, n> multiplies 64 rows of weights (A, shared memory) by n rows
// of activations (B, shared memory) over 32 bytes of K, and adds to or replaces 64 x n accumulators spread over a warpgroup.
//
// Thread t of the warpgroup, register 4 j + 2 h + c, holds row 16 (t / 32) + (t % 32) / 4 + 8 h, column 8 j + 2 (t % 4) + c
// (PTX ISA, figure "WGMMA .m64nNk32 register fragment layout for accumulator matrix D").
#pragma once

#include <cstdint>

namespace gemm_decode {

// Operand types: activations x weights. kPromotes: the tensor core's sums are added to sums in ordinary registers after each chunk of 512
// bytes of K, because fp8 sums keep about 14 bits only (design/kernels.md).
struct E4m3 { using Sum = float; static constexpr bool kPromotes = true; };   // e4m3 x e4m3
struct E5m2 { using Sum = float; static constexpr bool kPromotes = true; };   // e5m2 activations x e4m3 weights
struct Int8 { using Sum = int; static constexpr bool kPromotes = false; };    // exact
struct Bf16 { using Sum = float; static constexpr bool kPromotes = false; };  // fp32 sums in the tensor core

template <typename Types, int n>
struct Mma;

#define LIST_8 "{%0,%1,%2,%3,%4,%5,%6,%7}"
#define LIST_16 "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15}"
#define LIST_32                                                                                                         \
  "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30," \
  "%31}"
#define LIST_64                                                                                                         \
  "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30," \
  "%31,%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43,%44,%45,%46,%47,%48,%49,%50,%51,%52,%53,%54,%55,%56,%57,%58,"    \
  "%59,%60,%61,%62,%63}"

#define SUMS_4(c, i) c(d[i]), c(d[i + 1]), c(d[i + 2]), c(d[i + 3])
#define SUMS_8(c, i) SUMS_4(c, i), SUMS_4(c, i + 4)
#define SUMS_16(c, i) SUMS_8(c, i), SUMS_8(c, i + 8)
#define SUMS_32(c, i) SUMS_16(c, i), SUMS_16(c, i + 16)
#define SUMS_64(c, i) SUMS_32(c, i), SUMS_32(c, i + 32)

// INSTRUCTION: everything between "wgmma.mma_async.sync.aligned.m64n" and the register list, without n. A, B, P: the numbers of
// the operands behind the `REGISTERS` sums. TAIL: what follows the scale-d predicate.
#define DEFINE_MMA(TYPES, COLUMNS, REGISTERS, INSTRUCTION, CONSTRAINT, A, B, P, TAIL)                           \
  template <>                                                                                                   \
  struct Mma<TYPES, COLUMNS> {                                                                                  \
    static constexpr int kSums = REGISTERS;                                                                     \
    static __device__ __forceinline__ void run(TYPES::Sum (&d)[REGISTERS], uint64_t a, uint64_t b, int add) {   \
      asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, %" P ", 0;\nwgmma.mma_async.sync.aligned.m64n" #COLUMNS    \
                   INSTRUCTION " " LIST_##REGISTERS ", %" A ", %" B ", p" TAIL ";\n}\n"                         \
                   : SUMS_##REGISTERS(CONSTRAINT, 0)                                                            \
                   : "l"(a), "l"(b), "r"(add)                                                                   \
                   : "memory");                                                                                 \
    }                                                                                                           \
  };

#define DEFINE_ALL(TYPES, INSTRUCTION, CONSTRAINT, TAIL)                            \
  DEFINE_MMA(TYPES, 16, 8, INSTRUCTION, CONSTRAINT, "8", "9", "10", TAIL)            \
  DEFINE_MMA(TYPES, 32, 16, INSTRUCTION, CONSTRAINT, "16", "17", "18", TAIL)        \
  DEFINE_MMA(TYPES, 64, 32, INSTRUCTION, CONSTRAINT, "32", "33", "34", TAIL)        \
  DEFINE_MMA(TYPES, 128, 64, INSTRUCTION, CONSTRAINT, "64", "65", "66", TAIL)

DEFINE_ALL(E4m3, "k32.f32.e4m3.e4m3", "+f", ", 1, 1")
DEFINE_ALL(E5m2, "k32.f32.e4m3.e5m2", "+f", ", 1, 1")
DEFINE_ALL(Int8, "k32.s32.s8.s8", "+r", "")
DEFINE_ALL(Bf16, "k16.f32.bf16.bf16", "+f", ", 1, 1, 0, 0")

#undef DEFINE_ALL
#undef DEFINE_MMA
#undef SUMS_4
#undef SUMS_8
#undef SUMS_16
#undef SUMS_32
#undef SUMS_64
#undef LIST_8
#undef LIST_16
#undef LIST_32
#undef LIST_64

}  // namespace gemm_decode
