// From a tile's sums to Y: scales and bias.
#pragma once

#include "../gemm_prefill/pipeline.cuh"

namespace gemm_sparse {

// A lane's four neighbouring rows of W, columns of Y: their scales and biases.
struct Columns {
  float scale[4] = {1.0f, 1.0f, 1.0f, 1.0f};
  float bias[4] = {};
  bool biased;

  __device__ __forceinline__ Columns(const gemm_prefill::Output& out, int column) : biased(out.bias != nullptr) {
#pragma unroll
    for (int i = 0; i < 4; i++) {
      if (out.w_scales != nullptr) scale[i] = out.w_scales[static_cast<long long>(column + i) * out.w_stride];
      if (biased) bias[i] = out.bias[column + i];
    }
  }

  __device__ __forceinline__ float value(float sum, float x_scale, int i) const {
    const float scaled = __fmul_rn(__fmul_rn(sum, x_scale), scale[i]);
    return biased ? __fadd_rn(scaled, bias[i]) : scaled;
  }
};

__device__ __forceinline__ void store_four(const gemm_prefill::Output& out, long long at, const float (&value)[4]) {
  if (out.y_type == 2) {
    *reinterpret_cast<float4*>(static_cast<float*>(out.y) + at) = make_float4(value[0], value[1], value[2], value[3]);
  } else {
    *reinterpret_cast<uint2*>(static_cast<uint16_t*>(out.y) + at) = make_uint2(out.pack(value[0], value[1]), out.pack(value[2], value[3]));
  }
}

// first_x: the tile's first row of X. column: of Y, the lane's first of four; c: lane % 4. Sum 4 j + 2 h + i of instruction s is of row
// 8 j + 2 c + i of X and of column 2 s + h. x_scales: of the tile's rows, in shared memory.
template <int kN>
__device__ __forceinline__ void store(const gemm_prefill::Output& out, int first_x, int column, int c, uint32_t x_scales,
                                      const float (&sums)[2][kN / 2]) {
  if (column >= out.n) return;   // N is a multiple of 16
  const Columns columns(out, column);
#pragma unroll
  for (int j = 0; j < kN / 8; j++) {
    asm volatile("" ::: "memory");   // the loads of one j at a time: there are few registers
    float2 scale = make_float2(1.0f, 1.0f);
    if (out.x_scales != nullptr) scale = gemm_prefill::load_shared_8(x_scales + 4 * (8 * j + 2 * c));
#pragma unroll
    for (int i = 0; i < 2; i++) {
      const int row = first_x + 8 * j + 2 * c + i;
      if (row >= out.m) continue;
      float value[4];
#pragma unroll
      for (int q = 0; q < 4; q++) value[q] = columns.value(sums[q / 2][4 * j + 2 * (q % 2) + i], i == 0 ? scale.x : scale.y, q);
      store_four(out, static_cast<long long>(row) * out.n + column, value);
    }
  }
}

}  // namespace gemm_sparse
