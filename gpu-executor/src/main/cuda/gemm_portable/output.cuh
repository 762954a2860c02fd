// The arguments of every kernel, and from sums to Y: scales, bias, gate, residual.
#pragma once

#include <cstdint>

#include "numbers.cuh"

namespace gemm_portable {

// Values of `flags`; those that gemm_decode has too are the same.
constexpr int kOutBf16 = 0, kOutFp16 = 1, kOutFp32 = 2, kOutMask = 3;
constexpr int kScalePerRow = 4;       // scale_x is [M], else [1]
constexpr int kScalePerChannel = 8;   // scale_w is [N], else [1]
constexpr int kGate = 16;             // rows 2 i and 2 i + 1 of W are gate and up: Y [M, N / 2] = silu(gate) * up
constexpr int kAsymmetric = 32;       // the int4 tiles hold zero points

// All pointers 16-byte aligned.
struct Problem {
  void* y;                // [M, N], or [M, N / 2] with kGate; bf16, fp16 or fp32
  const uint8_t* x;       // [M, K]
  const uint8_t* w;       // [N, K], gate and up together, or tiles
  const float* scale_x;   // [1] or [M]; block scales: [M, ceil(K / 128)]; null: 1
  const float* scale_w;   // [1] or [N]; block scales: [ceil(N / 128), ceil(K / 128)], with kGate those of gate, then of up; null: 1
  const float* bias;      // [N], or null
  const void* residual;   // like Y, added last; may be Y; or null
  int n, k;               // multiples of 16
  int group;              // columns that share a scale of int4 weights
  int flags;
};

template <int kCount>
__device__ __forceinline__ void load_values(const void* from, long long at, int out, float (&values)[kCount]) {
#pragma unroll
  for (int i = 0; i < kCount; i++) {
    if (out == kOutFp32) values[i] = static_cast<const float*>(from)[at + i];
    else if (out == kOutBf16) values[i] = numbers::bf16_to_float(static_cast<const uint16_t*>(from)[at + i]);
    else values[i] = numbers::fp16_to_float(static_cast<const uint16_t*>(from)[at + i]);
  }
}

// kCount (2 or 4) neighbours in one store, rounded to nearest even.
template <int kCount>
__device__ __forceinline__ void store_values(void* to, long long at, int out, const float (&values)[kCount]) {
  if (out == kOutFp32) {
    float* y = static_cast<float*>(to) + at;
    if constexpr (kCount == 4) *reinterpret_cast<float4*>(y) = make_float4(values[0], values[1], values[2], values[3]);
    else *reinterpret_cast<float2*>(y) = make_float2(values[0], values[1]);
    return;
  }
  uint32_t words[kCount / 2];
#pragma unroll
  for (int i = 0; i < kCount; i += 2) {
    words[i / 2] = out == kOutBf16 ? numbers::floats_to_bf16x2(values[i], values[i + 1])
                                   : numbers::floats_to_fp16x2(values[i], values[i + 1]);
  }
  uint16_t* y = static_cast<uint16_t*>(to) + at;
  if constexpr (kCount == 4) *reinterpret_cast<uint2*>(y) = make_uint2(words[0], words[1]);
  else *reinterpret_cast<uint32_t*>(y) = words[0];
}

// Four values from `from`, or `otherwise`; 16-byte aligned.
__device__ __forceinline__ float4 load_four(const float* from, int at, float otherwise) {
  return from == nullptr ? make_float4(otherwise, otherwise, otherwise, otherwise) : *reinterpret_cast<const float4*>(from + at);
}

template <int kCount>
__device__ __forceinline__ void add_residual_and_store(const Problem& p, long long at, float (&values)[kCount]) {
  const int out = p.flags & kOutMask;
  if (p.residual != nullptr) {
    float residual[kCount];
    load_values(p.residual, at, out, residual);
#pragma unroll
    for (int i = 0; i < kCount; i++) values[i] = __fadd_rn(values[i], residual[i]);
  }
  store_values(p.y, at, out, values);
}

// The sums of row m of X with the rows n .. n + 3 of W. kScaled: block scales are in them already. The operations are
// spelled out so that every instance of the kernel rounds alike.
template <bool kScaled>
__device__ __forceinline__ void write_four(const Problem& p, int m, int n, float (&v)[4]) {
  if constexpr (!kScaled) {
    const float scale_x = p.scale_x == nullptr ? 1.0f : p.scale_x[p.flags & kScalePerRow ? m : 0];
    const bool per_channel = p.scale_w != nullptr && (p.flags & kScalePerChannel) != 0;
    const float4 scale_w = load_four(per_channel ? p.scale_w : nullptr, n, p.scale_w != nullptr && !per_channel ? *p.scale_w : 1.0f);
    const float scales[4] = {scale_w.x, scale_w.y, scale_w.z, scale_w.w};
#pragma unroll
    for (int i = 0; i < 4; i++) v[i] = __fmul_rn(__fmul_rn(v[i], scale_x), scales[i]);
  }
  if (p.bias != nullptr) {
    const float4 bias = load_four(p.bias, n, 0.0f);
    const float biases[4] = {bias.x, bias.y, bias.z, bias.w};
#pragma unroll
    for (int i = 0; i < 4; i++) v[i] = __fadd_rn(v[i], biases[i]);
  }
  if ((p.flags & kGate) == 0) {
    add_residual_and_store(p, static_cast<long long>(m) * p.n + n, v);
    return;
  }
  float gated[2];
#pragma unroll
  for (int i = 0; i < 2; i++) {
    gated[i] = __fmul_rn(__fdiv_rn(v[2 * i], __fadd_rn(1.0f, expf(-v[2 * i]))), v[2 * i + 1]);
  }
  add_residual_and_store(p, static_cast<long long>(m) * (p.n / 2) + n / 2, gated);
}

}  // namespace gemm_portable
