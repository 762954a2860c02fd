// The matrix instructions of the int4 GEMM. wgmma: 64 rows of weights from registers (A) times n rows of activations from shared memory
// (B, K-major, 128-byte swizzle), over 32 bytes of K, into or onto 64 x n fp32 sums spread over a warpgroup.
//
// Thread t of the warpgroup, with g = (t % 32) / 4 and c = t % 4:
//   sum 4 j + 2 h + i is row 16 (t / 32) + g + 8 h, column 8 j + 2 c + i (PTX ISA, figure of the .m64nNk16 matrix D);
//   A register 2 p + h is row 16 (t / 32) + g + 8 h; its elements are k = 8 p + 2 c, + 1 (16-bit types, k16) or
//   k = 16 p + 4 c .. + 3 (e4m3, k32), the lowest k in the lowest bits (figures of matrix A).
#pragma once

#include <cstdint>

namespace gemm_int4 {

enum class Type { kBf16, kFp16, kE4m3 };

template <Type type, int n>
struct Mma;

#define LIST_4 "{%0,%1,%2,%3}"
#define LIST_8 "{%0,%1,%2,%3,%4,%5,%6,%7}"
#define LIST_16 "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15}"
#define LIST_32                                                                                                         \
  "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30," \
  "%31}"
#define LIST_64                                                                                                         \
  "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30," \
  "%31,%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43,%44,%45,%46,%47,%48,%49,%50,%51,%52,%53,%54,%55,%56,%57,%58,"    \
  "%59,%60,%61,%62,%63}"

#define SUMS_4(i) "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3])
#define SUMS_8(i) SUMS_4(i), SUMS_4(i + 4)
#define SUMS_16(i) SUMS_8(i), SUMS_8(i + 8)
#define SUMS_32(i) SUMS_16(i), SUMS_16(i + 16)
#define SUMS_64(i) SUMS_32(i), SUMS_32(i + 32)

// A: the numbers of the four A operands behind the `REGISTERS` sums; B and P those of the descriptor and the scale-d flag.
// TAIL: what follows the scale-d predicate and the two signs.
#define DEFINE_MMA(TYPE, COLUMNS, REGISTERS, INSTRUCTION, A, B, P, TAIL)                                              \
  template <>                                                                                                         \
  struct Mma<TYPE, COLUMNS> {                                                                                         \
    static __device__ __forceinline__ void run(float (&d)[REGISTERS], const uint32_t (&a)[4], uint64_t b, int add) {  \
      asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, %" P ", 0;\nwgmma.mma_async.sync.aligned.m64n" #COLUMNS          \
                   INSTRUCTION " " LIST_##REGISTERS ", {" A "}, %" B ", p, 1, 1" TAIL ";\n}\n"                        \
                   : SUMS_##REGISTERS(0)                                                                              \
                   : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(add)                                     \
                   : "memory");                                                                                       \
    }                                                                                                                 \
  };

#define DEFINE_ALL(TYPE, INSTRUCTION, TAIL)                                                 \
  DEFINE_MMA(TYPE, 8, 4, INSTRUCTION, "%4,%5,%6,%7", "8", "9", TAIL)                        \
  DEFINE_MMA(TYPE, 16, 8, INSTRUCTION, "%8,%9,%10,%11", "12", "13", TAIL)                   \
  DEFINE_MMA(TYPE, 32, 16, INSTRUCTION, "%16,%17,%18,%19", "20", "21", TAIL)                \
  DEFINE_MMA(TYPE, 64, 32, INSTRUCTION, "%32,%33,%34,%35", "36", "37", TAIL)                \
  DEFINE_MMA(TYPE, 128, 64, INSTRUCTION, "%64,%65,%66,%67", "68", "69", TAIL)

DEFINE_ALL(Type::kBf16, "k16.f32.bf16.bf16", ", 0")
DEFINE_ALL(Type::kFp16, "k16.f32.f16.f16", ", 0")
DEFINE_ALL(Type::kE4m3, "k32.f32.e4m3.e4m3", "")

// One warp: 16 rows of weights, 8 of activations, 16 columns of K, onto sums. Registers of A and sums as above; b0 and b1 are activation
// g, columns 2 c, 2 c + 1 and 8 more. To the bit what wgmma gives, which the bench checks.
template <Type type>
struct WarpMma;

#define DEFINE_WARP_MMA(TYPE, INSTRUCTION)                                                                                  \
  template <>                                                                                                             \
  struct WarpMma<TYPE> {                                                                                                  \
    static __device__ __forceinline__ void run(float (&d)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {         \
      asm("mma.sync.aligned.m16n8k16.row.col." INSTRUCTION " {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"        \
          : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])                                                                \
          : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));                                                \
    }                                                                                                                     \
  };

DEFINE_WARP_MMA(Type::kBf16, "f32.bf16.bf16.f32")
DEFINE_WARP_MMA(Type::kFp16, "f32.f16.f16.f32")

#undef DEFINE_WARP_MMA
#undef DEFINE_ALL
#undef DEFINE_MMA
#undef SUMS_4
#undef SUMS_8
#undef SUMS_16
#undef SUMS_32
#undef SUMS_64
#undef LIST_4
#undef LIST_8
#undef LIST_16
#undef LIST_32
#undef LIST_64

}  // namespace gemm_int4
