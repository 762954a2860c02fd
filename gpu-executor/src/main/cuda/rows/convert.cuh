// Rows to rows: columns placed, codes made and undone, sums scaled.
#pragma once

#include <cuda_fp8.h>

#include "reduce.cuh"

namespace rows {

constexpr int kThreads = 256;

__device__ __forceinline__ void place(const uint16_t* x, uint16_t* y, int rows, int columns, int x_stride, int y_stride, int width) {
  const int at = static_cast<int>(blockIdx.x * kThreads + threadIdx.x);
  reduce::release_successor();
  reduce::wait_for_predecessor();
  if (at >= width) return;
  for (long long row = blockIdx.y; row < rows; row += gridDim.y) {
    y[row * y_stride + at] = at < columns ? x[row * x_stride + at] : 0;
  }
}

__device__ __forceinline__ void static_e4m3(const __nv_bfloat16* x, uint2* codes, float scale, long long vectors) {
  const long long at = static_cast<long long>(blockIdx.x) * kThreads + threadIdx.x;
  reduce::release_successor();
  reduce::wait_for_predecessor();
  if (at >= vectors) return;
  float values[8];
  reduce::unpack(reduce::load8(x, at), values);
  uint32_t words[2] = {0, 0};
#pragma unroll
  for (int i = 0; i < 8; i++) {
    const float position = reduce::round_to_bf16(__fdiv_rn(values[i], scale));
    const uint32_t code = __nv_cvt_float_to_fp8(position, __NV_SATFINITE, __NV_E4M3);
    words[i / 4] |= code << 8 * (i % 4);
  }
  codes[at] = {words[0], words[1]};
}

__device__ __forceinline__ void unpack_int8(const uint2& packed, float (&values)[8]) {
#pragma unroll
  for (int i = 0; i < 8; i++) {
    const uint32_t word = i < 4 ? packed.x : packed.y;
    values[i] = static_cast<float>(static_cast<int8_t>(word >> 8 * (i % 4)));
  }
}

__device__ __forceinline__ void int8_to_bf16(const uint2* codes, __nv_bfloat16* y, long long vectors) {
  const long long at = static_cast<long long>(blockIdx.x) * kThreads + threadIdx.x;
  reduce::release_successor();
  reduce::wait_for_predecessor();
  if (at >= vectors) return;
  float values[8];
  unpack_int8(codes[at], values);
  reduce::store8(y, at, reduce::pack(values));
}

__device__ __forceinline__ void store(__nv_bfloat16* y, long long at, const float (&values)[8]) {
  reduce::store8(y, at, reduce::pack(values));
}

__device__ __forceinline__ void store(float* y, long long at, const float (&values)[8]) {
#pragma unroll
  for (int i = 0; i < 8; i++) y[8 * at + i] = values[i];
}

template <typename Y>
__device__ __forceinline__ void scale(const float* x, const float* scales, const float* bias, const __nv_bfloat16* residual, Y* y, int rows,
                                      int columns) {
  const int vectors = columns / 8, at = static_cast<int>(blockIdx.x * kThreads + threadIdx.x);
  reduce::release_successor();
  reduce::wait_for_predecessor();
  if (at >= vectors) return;
  for (long long row = blockIdx.y; row < rows; row += gridDim.y) {
    const float factor = scales[row];
    float values[8];
#pragma unroll
    for (int i = 0; i < 8; i++) {
      values[i] = __fmul_rn(x[(row * vectors + at) * 8 + i], factor);
      if (bias != nullptr) values[i] = __fadd_rn(values[i], bias[8 * at + i]);
    }
    if (residual != nullptr) {
      float added[8];
      reduce::unpack(reduce::load8(residual, row * vectors + at), added);
#pragma unroll
      for (int i = 0; i < 8; i++) values[i] = __fadd_rn(values[i], added[i]);
    }
    store(y, row * vectors + at, values);
  }
}

}  // namespace rows
