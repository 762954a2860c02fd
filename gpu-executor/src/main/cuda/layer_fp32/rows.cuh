// Norms, rotation, gate and sums in fp32.
#pragma once

#include "reduce.cuh"

namespace layer_fp32 {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / 32;

__device__ __forceinline__ float factor_of(float squares, int n, float epsilon) {
  return __fdiv_rn(1.0f, __fsqrt_rn(__fadd_rn(__fdiv_rn(squares, static_cast<float>(n)), epsilon)));
}

__device__ __forceinline__ void rms_norm(const float* x, const float* weight, float* y, int n, float epsilon) {
  __shared__ float scratch[32];
  const long long first = static_cast<long long>(blockIdx.x) * n;
  reduce::release_successor();
  reduce::wait_for_predecessor();
  float squares = 0.0f;
  for (int i = static_cast<int>(threadIdx.x); i < n; i += kThreads) squares = __fmaf_rn(x[first + i], x[first + i], squares);
  const float factor = factor_of(reduce::over_block<reduce::Sum>(squares, scratch), n, epsilon);
  for (int i = static_cast<int>(threadIdx.x); i < n; i += kThreads) {
    y[first + i] = __fmul_rn(__fmul_rn(x[first + i], factor), weight[i]);
  }
}

// Elements i and i + dim / 2 turn by the angle of position and i.
__device__ __forceinline__ void prepare_head(float* qkv, const int* positions, const float* cosines, const float* sines, const float* q_weight,
                                             const float* k_weight, int q_heads, int kv_heads, int head_dim, float epsilon) {
  const int head = static_cast<int>(blockIdx.y * kWarps + threadIdx.x / 32), lane = static_cast<int>(threadIdx.x) % 32;
  const long long row = blockIdx.x;
  reduce::release_successor();
  reduce::wait_for_predecessor();
  const int position = positions[row], half = head_dim / 2;
  if (head >= q_heads + kv_heads || position < 0) return;
  float* values = qkv + (row * (q_heads + 2 * kv_heads) + head) * head_dim;
  const float* weight = head < q_heads ? q_weight : k_weight;
  float factor = 1.0f;
  if (weight != nullptr) {
    float squares = 0.0f;
    for (int i = lane; i < head_dim; i += 32) squares = __fmaf_rn(values[i], values[i], squares);
    factor = factor_of(reduce::over_warp<reduce::Sum>(squares), head_dim, epsilon);
  }
  for (int i = lane; i < half; i += 32) {
    float low = values[i], high = values[i + half];
    if (weight != nullptr) {
      low = __fmul_rn(__fmul_rn(low, factor), weight[i]);
      high = __fmul_rn(__fmul_rn(high, factor), weight[i + half]);
    }
    const float cosine = cosines[static_cast<long long>(position) * half + i], sine = sines[static_cast<long long>(position) * half + i];
    values[i] = __fsub_rn(__fmul_rn(low, cosine), __fmul_rn(high, sine));
    values[i + half] = __fadd_rn(__fmul_rn(high, cosine), __fmul_rn(low, sine));
  }
}

__device__ __forceinline__ void swiglu(const float* x, float* y, int rows, int n) {
  const int at = static_cast<int>(blockIdx.x * kThreads + threadIdx.x);
  reduce::release_successor();
  reduce::wait_for_predecessor();
  if (at >= n) return;
  for (long long row = blockIdx.y; row < rows; row += gridDim.y) {
    const float gate = x[row * 2 * n + at], up = x[(row * 2 + 1) * n + at];
    y[row * n + at] = __fmul_rn(__fdiv_rn(gate, __fadd_rn(1.0f, expf(-gate))), up);
  }
}

__device__ __forceinline__ void add(const float* a, const float* b, float* y, long long count) {
  const long long at = static_cast<long long>(blockIdx.x) * kThreads + threadIdx.x;
  reduce::release_successor();
  reduce::wait_for_predecessor();
  if (at < count) y[at] = __fadd_rn(a[at], b[at]);
}

}  // namespace layer_fp32
