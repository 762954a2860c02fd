// The matrix instructions of the prefill GEMM: 64 x n sums spread over a warpgroup, onto or in place of which goes the product
// over 32 bytes of K. MmaShared: A (64 rows) and B (n rows) both from shared memory, K-major, 128-byte swizzle. E5m2: A is, B e4m3.
//
// Thread t of the warpgroup, sum 4 j + 2 h + i: row 16 (t / 32) + (t % 32) / 4 + 8 h, column 8 j + 2 (t % 4) + i (PTX ISA,
// figure of the accumulator D of .m64nNk*).
#pragma once

#include <cstdint>

namespace gemm_prefill {

struct E4m3 { using Sum = float; static constexpr int kBytes = 1; };
struct E5m2 { using Sum = float; static constexpr int kBytes = 1; };
struct Int8 { using Sum = int; static constexpr int kBytes = 1; };
struct Bf16 { using Sum = float; static constexpr int kBytes = 2; };
struct Fp16 { using Sum = float; static constexpr int kBytes = 2; };

template <typename Type, int n>
struct MmaShared;

// A from registers: 4 a thread, layout in gemm_int4/mma.cuh.
template <typename Type, int n>
struct MmaRegisters;

#define LIST_64                                                                                                         \
  "%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,"  \
  "%31,%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43,%44,%45,%46,%47,%48,%49,%50,%51,%52,%53,%54,%55,%56,%57,%58,"    \
  "%59,%60,%61,%62,%63"
#define LIST_96                                                                                                         \
  LIST_64 ",%64,%65,%66,%67,%68,%69,%70,%71,%72,%73,%74,%75,%76,%77,%78,%79,%80,%81,%82,%83,%84,%85,%86,%87,%88,%89,"   \
          "%90,%91,%92,%93,%94,%95"
#define LIST_128                                                                                                        \
  LIST_96 ",%96,%97,%98,%99,%100,%101,%102,%103,%104,%105,%106,%107,%108,%109,%110,%111,%112,%113,%114,%115,%116,%117," \
          "%118,%119,%120,%121,%122,%123,%124,%125,%126,%127"

#define SUMS_8(c, i) c(d[i]), c(d[i + 1]), c(d[i + 2]), c(d[i + 3]), c(d[i + 4]), c(d[i + 5]), c(d[i + 6]), c(d[i + 7])
#define SUMS_32(c, i) SUMS_8(c, i), SUMS_8(c, i + 8), SUMS_8(c, i + 16), SUMS_8(c, i + 24)
#define SUMS_64(c, i) SUMS_32(c, i), SUMS_32(c, i + 32)
#define SUMS_96(c, i) SUMS_64(c, i), SUMS_32(c, i + 64)
#define SUMS_128(c, i) SUMS_64(c, i), SUMS_64(c, i + 64)

// A, B, P: the numbers of the operands behind the `REGISTERS` sums. TAIL: what follows the scale-d predicate.
#define DEFINE_SHARED(TYPE, COLUMNS, REGISTERS, INSTRUCTION, CONSTRAINT, A, B, P, TAIL)                       \
  template <>                                                                                                 \
  struct MmaShared<TYPE, COLUMNS> {                                                                           \
    static __device__ __forceinline__ void run(TYPE::Sum (&d)[REGISTERS], uint64_t a, uint64_t b, int add) {  \
      asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, %" P ", 0;\nwgmma.mma_async.sync.aligned.m64n" #COLUMNS  \
                   INSTRUCTION " {" LIST_##REGISTERS "}, %" A ", %" B ", p" TAIL ";\n}\n"                     \
                   : SUMS_##REGISTERS(CONSTRAINT, 0)                                                          \
                   : "l"(a), "l"(b), "r"(add)                                                                 \
                   : "memory");                                                                               \
    }                                                                                                         \
  };

DEFINE_SHARED(E4m3, 128, 64, "k32.f32.e4m3.e4m3", "+f", "64", "65", "66", ", 1, 1")
DEFINE_SHARED(E4m3, 192, 96, "k32.f32.e4m3.e4m3", "+f", "96", "97", "98", ", 1, 1")
DEFINE_SHARED(E5m2, 128, 64, "k32.f32.e5m2.e4m3", "+f", "64", "65", "66", ", 1, 1")
DEFINE_SHARED(E5m2, 192, 96, "k32.f32.e5m2.e4m3", "+f", "96", "97", "98", ", 1, 1")
DEFINE_SHARED(Int8, 256, 128, "k32.s32.s8.s8", "+r", "128", "129", "130", "")
DEFINE_SHARED(Bf16, 256, 128, "k16.f32.bf16.bf16", "+f", "128", "129", "130", ", 1, 1, 0, 0")

// A0 .. A3: the numbers of the four A operands.
#define DEFINE_REGISTERS(TYPE, COLUMNS, REGISTERS, INSTRUCTION, A0, A1, A2, A3, B, P, TAIL)                              \
  template <>                                                                                                            \
  struct MmaRegisters<TYPE, COLUMNS> {                                                                                   \
    static __device__ __forceinline__ void run(float (&d)[REGISTERS], const uint32_t (&a)[4], uint64_t b, int add) {     \
      asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, %" P ", 0;\nwgmma.mma_async.sync.aligned.m64n" #COLUMNS             \
                   INSTRUCTION " {" LIST_##REGISTERS "}, {%" A0 ",%" A1 ",%" A2 ",%" A3 "}, %" B ", p" TAIL ";\n}\n"     \
                   : SUMS_##REGISTERS("+f", 0)                                                                           \
                   : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(add)                                        \
                   : "memory");                                                                                          \
    }                                                                                                                    \
  };

DEFINE_REGISTERS(Bf16, 256, 128, "k16.f32.bf16.bf16", "128", "129", "130", "131", "132", "133", ", 1, 1, 0")
DEFINE_REGISTERS(Fp16, 256, 128, "k16.f32.f16.f16", "128", "129", "130", "131", "132", "133", ", 1, 1, 0")
DEFINE_REGISTERS(E4m3, 128, 64, "k32.f32.e4m3.e4m3", "64", "65", "66", "67", "68", "69", ", 1, 1")
DEFINE_REGISTERS(E4m3, 192, 96, "k32.f32.e4m3.e4m3", "96", "97", "98", "99", "100", "101", ", 1, 1")

#undef DEFINE_REGISTERS
#undef DEFINE_SHARED
#undef SUMS_8
#undef SUMS_32
#undef SUMS_64
#undef SUMS_96
#undef SUMS_128
#undef LIST_64
#undef LIST_96
#undef LIST_128

}  // namespace gemm_prefill
