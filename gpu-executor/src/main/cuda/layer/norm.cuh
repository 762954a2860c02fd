// RMSNorm of rows, with or without a residual add before it.
#pragma once

#include "reduce.cuh"

namespace layer {

// A thread keeps up to this many vectors of 8 elements of its row in registers, so N is at most 16,384.
constexpr int kNormVectors = 2;

// One block a row. The block size follows from N alone (norm_threads of bench.cu and of CudaRmsNorm), so a row's sum has
// one order. The weight, which no predecessor makes, is read before the wait.
template <bool kResidual>
__device__ __forceinline__ void rms_norm(const __nv_bfloat16* x, const __nv_bfloat16* residual,
                                         const __nv_bfloat16* weight, __nv_bfloat16* y, __nv_bfloat16* residual_out,
                                         int n, float epsilon) {
  __shared__ float scratch[32];
  const int vectors = n / 8;
  const long long row = static_cast<long long>(blockIdx.x) * vectors;
  reduce::Bf16x8 scale[kNormVectors], held[kNormVectors], added[kNormVectors];
#pragma unroll
  for (int v = 0; v < kNormVectors; v++) {
    int at = threadIdx.x + v * blockDim.x;
    if (at < vectors) scale[v] = reduce::load8(weight, at);
  }
  reduce::release_successor();
  reduce::wait_for_predecessor();
#pragma unroll
  for (int v = 0; v < kNormVectors; v++) {
    int at = threadIdx.x + v * blockDim.x;
    if (at < vectors) {
      held[v] = reduce::load8(x, row + at);
      if (kResidual) added[v] = reduce::load8(residual, row + at);
    }
  }
  float squares = 0.0f;
#pragma unroll
  for (int v = 0; v < kNormVectors; v++) {
    int at = threadIdx.x + v * blockDim.x;
    if (at >= vectors) continue;
    float values[8];
    reduce::unpack(held[v], values);
    if (kResidual) {
      float other[8];
      reduce::unpack(added[v], other);
#pragma unroll
      for (int i = 0; i < 8; i++) values[i] = __fadd_rn(values[i], other[i]);
      held[v] = reduce::pack(values);
      reduce::store8(residual_out, row + at, held[v]);
      reduce::unpack(held[v], values);
    }
#pragma unroll
    for (int i = 0; i < 8; i++) squares = __fmaf_rn(values[i], values[i], squares);
  }
  float mean = __fdiv_rn(reduce::over_block<reduce::Sum>(squares, scratch), static_cast<float>(n));
  float factor = __fdiv_rn(1.0f, __fsqrt_rn(__fadd_rn(mean, epsilon)));
#pragma unroll
  for (int v = 0; v < kNormVectors; v++) {
    int at = threadIdx.x + v * blockDim.x;
    if (at >= vectors) continue;
    float values[8], weights[8];
    reduce::unpack(held[v], values);
    reduce::unpack(scale[v], weights);
#pragma unroll
    for (int i = 0; i < 8; i++) {
      values[i] = __fmul_rn(reduce::round_to_bf16(__fmul_rn(values[i], factor)), weights[i]);
    }
    reduce::store8(y, row + at, reduce::pack(values));
  }
}

}  // namespace layer
