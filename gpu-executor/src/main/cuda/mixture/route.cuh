// Choices of experts, their order, and the sums behind them.
#pragma once

#include "reduce.cuh"

namespace mixture {

constexpr int kMostExperts = 512, kMostEach = 16;
constexpr int kRouteThreads = 128, kRouteWarps = kRouteThreads / 32, kHeld = kMostExperts / 32;
constexpr int kSortThreads = 1024, kThreads = 256;

// The largest of the warp's values, of equals the lowest index; every lane gets it.
__device__ __forceinline__ void largest(const float (&values)[kHeld], int experts, float& value, int& index) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  value = -1.0f;
  index = experts;
#pragma unroll
  for (int i = 0; i < kHeld; i++) {
    if (i * 32 + lane < experts && values[i] > value) {
      value = values[i];
      index = i * 32 + lane;
    }
  }
#pragma unroll
  for (int offset = 16; offset > 0; offset /= 2) {
    const float other = __shfl_xor_sync(reduce::kFullWarp, value, offset);
    const int at = __shfl_xor_sync(reduce::kFullWarp, index, offset);
    if (other > value || (other == value && at < index)) {
      value = other;
      index = at;
    }
  }
}

__device__ __forceinline__ void route(const float* scores, int* choices, float* weights, int tokens, int experts, int each, bool normalized) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const long long token = static_cast<long long>(blockIdx.x) * kRouteWarps + threadIdx.x / 32;
  reduce::release_successor();
  reduce::wait_for_predecessor();
  if (token >= tokens) return;
  float held[kHeld], top = -INFINITY, total = 0.0f;
#pragma unroll
  for (int i = 0; i < kHeld; i++) {
    held[i] = i * 32 + lane < experts ? scores[token * experts + i * 32 + lane] : -INFINITY;
    top = fmaxf(top, held[i]);
  }
  top = reduce::over_warp<reduce::Max>(top);
#pragma unroll
  for (int i = 0; i < kHeld; i++) {
    held[i] = expf(__fsub_rn(held[i], top));
    total = __fadd_rn(total, held[i]);
  }
  total = reduce::over_warp<reduce::Sum>(total);
  // Lane j keeps choice j.
  int chosen = experts;
  float weight = 0.0f, sum = 0.0f;
  for (int j = 0; j < each; j++) {
    float value;
    int index;
    largest(held, experts, value, index);
    value = __fdiv_rn(value, total);
    sum = __fadd_rn(sum, value);
    if (lane == j) chosen = index, weight = value;
#pragma unroll
    for (int i = 0; i < kHeld; i++) {
      if (i * 32 + lane == index) held[i] = -2.0f;
    }
  }
  int place = 0;
  for (int j = 0; j < each; j++) place += __shfl_sync(reduce::kFullWarp, chosen, j) < chosen ? 1 : 0;
  if (lane >= each) return;
  choices[token * each + place] = chosen;
  weights[token * each + place] = normalized ? __fdiv_rn(weight, sum) : weight;
}

__device__ __forceinline__ void sort(const int* choices, int* offsets, int* places, int* rows, int count, int experts, int each) {
  __shared__ int counts[kMostExperts + 1];
  const int thread = static_cast<int>(threadIdx.x);
  reduce::release_successor();
  reduce::wait_for_predecessor();
  for (int i = thread; i <= experts; i += kSortThreads) counts[i] = 0;
  __syncthreads();
  for (int i = thread; i < count; i += kSortThreads) atomicAdd(&counts[choices[i] + 1], 1);
  __syncthreads();
  if (thread == 0) {
    for (int i = 0; i < experts; i++) counts[i + 1] += counts[i];
  }
  __syncthreads();
  for (int i = thread; i <= experts; i += kSortThreads) offsets[i] = counts[i];
  __syncthreads();
  for (int i = thread; i < count; i += kSortThreads) {
    const int at = atomicAdd(&counts[choices[i]], 1);
    places[i] = at;
    rows[at] = i / each;
  }
}

__device__ __forceinline__ void sum(const __nv_bfloat16* sorted, const int* places, const float* weights, __nv_bfloat16* y, int tokens, int n,
                                    int each) {
  const int vectors = n / 8, at = static_cast<int>(blockIdx.x * kThreads + threadIdx.x);
  reduce::release_successor();
  reduce::wait_for_predecessor();
  if (at >= vectors) return;
  for (long long token = blockIdx.y; token < tokens; token += gridDim.y) {
    float total[8] = {}, values[8];
    for (int j = 0; j < each; j++) {
      const float weight = weights[token * each + j];
      reduce::unpack(reduce::load8(sorted, static_cast<long long>(places[token * each + j]) * vectors + at), values);
#pragma unroll
      for (int i = 0; i < 8; i++) total[i] = __fmaf_rn(weight, values[i], total[i]);
    }
    reduce::unpack(reduce::load8(y, token * vectors + at), values);
#pragma unroll
    for (int i = 0; i < 8; i++) values[i] = __fadd_rn(values[i], total[i]);
    reduce::store8(y, token * vectors + at, reduce::pack(values));
  }
}

__device__ __forceinline__ void add_fp32(const float* x, const int* choices, const float* weights, float* y, int tokens, int n, int each,
                                         int expert) {
  const int at = static_cast<int>(blockIdx.x * kThreads + threadIdx.x);
  reduce::release_successor();
  reduce::wait_for_predecessor();
  if (at >= n) return;
  for (long long token = blockIdx.y; token < tokens; token += gridDim.y) {
    for (int j = 0; j < each; j++) {
      if (choices[token * each + j] != expert) continue;
      y[token * n + at] = __fmaf_rn(weights[token * each + j], x[token * n + at], y[token * n + at]);
    }
  }
}

}  // namespace mixture
