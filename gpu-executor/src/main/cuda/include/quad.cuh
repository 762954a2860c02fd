// What the four lanes of a quad, which hold neighbouring columns of an accumulator, exchange.
#pragma once

#include <cstdint>

namespace quad {

// Transposes 4 x 4 words over the four lanes of a quad: word i of lane c becomes word c of lane i. All lanes of the warp.
__device__ __forceinline__ void transpose(uint32_t (&word)[4], int c) {
#pragma unroll
  for (int step = 1; step <= 2; step *= 2) {
    const bool upper = (c & step) != 0;
#pragma unroll
    for (int i = 0; i < 4; i++) {
      if ((i & step) != 0) continue;
      const uint32_t sent = upper ? word[i] : word[i + step];
      const uint32_t got = __shfl_xor_sync(0xFFFFFFFFu, sent, step);
      if (upper) word[i] = got;
      else word[i + step] = got;
    }
  }
}

}  // namespace quad
