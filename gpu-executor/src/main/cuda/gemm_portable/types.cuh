// What the operand types differ in: how 32 bytes of K become operands of mma.sync, and which instruction multiplies them.
//
// Both operands come as ldmatrix gives them: lane 4 g + c holds bytes 4 c .. 4 c + 3 of each 16 bytes of its row. For 8-bit types that
// is four neighbours of K where m16n8k16 expects k = 2 c, 2 c + 1, 2 c + 8, 2 c + 9; as X and W are permuted alike, the sum over
// the 16 is the same.
#pragma once

#include <cstdint>

#include "../gemm_int4/unpack.cuh"

namespace gemm_portable {

enum class Scaling { kTensorOrRow, kBlocks, kGroups };

#define PORTABLE_MMA(NAME, INSTRUCTION, SUM, CONSTRAINT)                                                                      \
  __device__ __forceinline__ void NAME(SUM(&d)[4], const uint32_t(&a)[4], const uint32_t(&b)[2]) {                            \
    asm volatile("mma.sync.aligned." INSTRUCTION " {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"           \
                 : CONSTRAINT(d[0]), CONSTRAINT(d[1]), CONSTRAINT(d[2]), CONSTRAINT(d[3])                                     \
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));                                         \
  }
PORTABLE_MMA(mma_bf16, "m16n8k16.row.col.f32.bf16.bf16.f32", float, "+f")
PORTABLE_MMA(mma_fp16, "m16n8k16.row.col.f32.f16.f16.f32", float, "+f")
PORTABLE_MMA(mma_int8, "m16n8k32.row.col.s32.s8.s8.s32", int, "+r")
#undef PORTABLE_MMA

// Bytes 0 and 1 (upper false) or 2 and 3 of a word to the upper bytes of two halves.
template <bool kUpper>
__device__ __forceinline__ uint32_t spread(uint32_t word) {
  return __byte_perm(word, 0, kUpper ? 0x3424 : 0x1404);
}

// Two e4m3 codes, in the upper bytes of halves, to fp16 numbers of 2^-8 times their value: exactly, as fp16's subnormal numbers count
// in mma.sync. The one magnitude that carries into the sign's place is that of NaN: it becomes fp16's.
template <bool kMayBeNan>
__device__ __forceinline__ uint32_t e4m3_pair(uint32_t codes) {
  const uint32_t magnitude = codes >> 1 & 0x3F803F80u;
  uint32_t result = (codes & 0x80008000u) | magnitude;
  if constexpr (kMayBeNan) result |= (magnitude + 0x00800080u) & 0x40004000u;
  return result;
}

struct Bf16 {
  using Sum = float;
  static constexpr int kXBytes = 2, kMmas = 1;
  static constexpr bool kInt4 = false;
  static constexpr float kUnit = 1.0f;   // a sum times kUnit is that of the products
  static constexpr Scaling kScaling = Scaling::kTensorOrRow;

  static __device__ __forceinline__ void activations(const uint32_t (&raw)[2], uint32_t (&b)[1][2]) {
    b[0][0] = raw[0];
    b[0][1] = raw[1];
  }
  static __device__ __forceinline__ void weights(const uint32_t (&raw)[4], uint32_t (&a)[1][4]) {
#pragma unroll
    for (int i = 0; i < 4; i++) a[0][i] = raw[i];
  }
  static __device__ __forceinline__ void multiply(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    mma_bf16(d, a, b);
  }
};

struct Int8 : Bf16 {
  using Sum = int;
  static constexpr int kXBytes = 1;

  static __device__ __forceinline__ void multiply(int (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) { mma_int8(d, a, b); }
};

struct E4m3 {
  using Sum = float;
  static constexpr int kXBytes = 1, kMmas = 2;
  static constexpr bool kInt4 = false;
  static constexpr float kUnit = 65536.0f;
  static constexpr Scaling kScaling = Scaling::kTensorOrRow;

  static __device__ __forceinline__ void activations(const uint32_t (&raw)[2], uint32_t (&b)[2][2]) {
#pragma unroll
    for (int i = 0; i < 2; i++) {
      b[i][0] = e4m3_pair<true>(spread<false>(raw[i]));
      b[i][1] = e4m3_pair<true>(spread<true>(raw[i]));
    }
  }
  static __device__ __forceinline__ void weights(const uint32_t (&raw)[4], uint32_t (&a)[2][4]) {
#pragma unroll
    for (int i = 0; i < 4; i++) {
      a[i / 2][i % 2] = e4m3_pair<true>(spread<false>(raw[i]));
      a[i / 2][i % 2 + 2] = e4m3_pair<true>(spread<true>(raw[i]));
    }
  }
  static __device__ __forceinline__ void multiply(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    mma_fp16(d, a, b);
  }
};

// X in e5m2, which is the upper half of fp16; W in e4m3.
struct E5m2 : E4m3 {
  static constexpr float kUnit = 256.0f;

  static __device__ __forceinline__ void activations(const uint32_t (&raw)[2], uint32_t (&b)[2][2]) {
#pragma unroll
    for (int i = 0; i < 2; i++) {
      b[i][0] = spread<false>(raw[i]);
      b[i][1] = spread<true>(raw[i]);
    }
  }
};

template <typename Types>
struct Blocks : Types {
  static constexpr Scaling kScaling = Scaling::kBlocks;
};

// W in the tiles of gemm_int4. Words of codes of a step, and the offsets of its group, to the operands of a step.
template <gemm_int4::Type type_>
struct Int4 : std::conditional_t<type_ == gemm_int4::Type::kE4m3, E4m3, Bf16> {
  static constexpr gemm_int4::Type type = type_;
  static constexpr bool kInt4 = true, kBytes = type == gemm_int4::Type::kE4m3;
  static constexpr float kUnit = kBytes ? gemm_int4::kE4m3Unit * 65536.0f : 1.0f;
  static constexpr Scaling kScaling = Scaling::kGroups;

  static __device__ __forceinline__ void codes(const uint32_t* words, const gemm_int4::Offsets& minus,
                                               uint32_t (&a)[kBytes ? 2 : 1][4]) {
    if constexpr (kBytes) {
#pragma unroll
      for (int i = 0; i < 2; i++) {
        const uint32_t rows[2] = {gemm_int4::unpack_4(words[i]), gemm_int4::unpack_4(__funnelshift_l(words[i], words[i], 4))};
#pragma unroll
        for (int h = 0; h < 2; h++) {
          a[i][h] = e4m3_pair<false>(spread<false>(rows[h]));
          a[i][h + 2] = e4m3_pair<false>(spread<true>(rows[h]));
        }
      }
    } else {
      gemm_int4::unpack_16<type>(words[0], minus, a[0]);
    }
  }
  static __device__ __forceinline__ void multiply(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    if constexpr (type == gemm_int4::Type::kBf16) mma_bf16(d, a, b);
    else mma_fp16(d, a, b);
  }
};

}  // namespace gemm_portable
