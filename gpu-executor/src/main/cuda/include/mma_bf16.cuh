// The tensor-core instruction of sm_80 for bf16.
#pragma once

#include <cstdint>

namespace tensor_core {

// d [16, 8] += a [16, 16] b [16, 8], bf16 operands, fp32 sums. With g = lane / 4, t = lane % 4: a holds rows g (a[0], a[2])
// and g + 8 (a[1], a[3]) at k = 2 t, 2 t + 1 and 2 t + 8, 2 t + 9; b column g at the same k; d columns 2 t, 2 t + 1 of row g
// (d[0], d[1]) and of row g + 8 (d[2], d[3]). (PTX ISA, mma.m16n8k16)
__device__ __forceinline__ void mma(float (&d)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

}  // namespace tensor_core
