// SwiGLU, residual add and embedding: every output vector of 8 elements is made by one thread on its own.
#pragma once

#include "reduce.cuh"

namespace layer {

__device__ __forceinline__ float silu_times(float gate, float up) {
  return __fmul_rn(__fdiv_rn(gate, __fadd_rn(1.0f, expf(-gate))), up);
}

// The vectors of a row [n / 8] are spread over blocks of 256 threads along grid x, the rows over grid y in steps.
constexpr int kPointThreads = 256;

// y[m, i] = silu(x[m, i]) * x[m, n + i].
__device__ __forceinline__ void swiglu_halves(const __nv_bfloat16* x, __nv_bfloat16* y, int m, int n) {
  const int vectors = n / 8, at = blockIdx.x * kPointThreads + threadIdx.x;
  reduce::release_successor();
  reduce::wait_for_predecessor();
  if (at >= vectors) return;
  for (long long row = blockIdx.y; row < m; row += gridDim.y) {
    float gate[8], up[8];
    reduce::Bf16x8 first = reduce::load8(x, row * 2 * vectors + at);
    reduce::Bf16x8 second = reduce::load8(x, (row * 2 + 1) * vectors + at);
    reduce::unpack(first, gate);
    reduce::unpack(second, up);
#pragma unroll
    for (int i = 0; i < 8; i++) gate[i] = silu_times(gate[i], up[i]);
    reduce::store8(y, row * vectors + at, reduce::pack(gate));
  }
}

// y[m, i] = silu(x[m, 2 i]) * x[m, 2 i + 1].
__device__ __forceinline__ void swiglu_pairs(const __nv_bfloat16* x, __nv_bfloat16* y, int m, int n) {
  const int vectors = n / 8, at = blockIdx.x * kPointThreads + threadIdx.x;
  reduce::release_successor();
  reduce::wait_for_predecessor();
  if (at >= vectors) return;
  for (long long row = blockIdx.y; row < m; row += gridDim.y) {
    float low[8], high[8], result[8];
    reduce::Bf16x8 first = reduce::load8(x, (row * vectors + at) * 2);
    reduce::Bf16x8 second = reduce::load8(x, (row * vectors + at) * 2 + 1);
    reduce::unpack(first, low);
    reduce::unpack(second, high);
#pragma unroll
    for (int i = 0; i < 4; i++) {
      result[i] = silu_times(low[2 * i], low[2 * i + 1]);
      result[4 + i] = silu_times(high[2 * i], high[2 * i + 1]);
    }
    reduce::store8(y, row * vectors + at, reduce::pack(result));
  }
}

// y = bf16(a + b); y may be a or b. A thread takes two vectors a block apart, so that four loads are in flight.
__device__ __forceinline__ void add(const __nv_bfloat16* a, const __nv_bfloat16* b, __nv_bfloat16* y, long long vectors) {
  const long long at = static_cast<long long>(blockIdx.x) * 2 * kPointThreads + threadIdx.x;
  reduce::release_successor();
  reduce::wait_for_predecessor();
  reduce::Bf16x8 left[2], right[2];
#pragma unroll
  for (int v = 0; v < 2; v++) {
    if (at + v * kPointThreads < vectors) {
      left[v] = reduce::load8(a, at + v * kPointThreads);
      right[v] = reduce::load8(b, at + v * kPointThreads);
    }
  }
#pragma unroll
  for (int v = 0; v < 2; v++) {
    if (at + v * kPointThreads >= vectors) continue;
    float values[8], other[8];
    reduce::unpack(left[v], values);
    reduce::unpack(right[v], other);
#pragma unroll
    for (int i = 0; i < 8; i++) values[i] = __fadd_rn(values[i], other[i]);
    reduce::store8(y, at + v * kPointThreads, reduce::pack(values));
  }
}

// y[m, :] = table[ids[m], :]; a row of NaN where the id lies outside the table. One block a row.
__device__ __forceinline__ void embedding(const __nv_bfloat16* table, const int* ids, __nv_bfloat16* y, int n,
                                          int vocabulary) {
  const int vectors = n / 8;
  const long long row = blockIdx.x;
  reduce::release_successor();
  reduce::wait_for_predecessor();
  const int id = ids[row];
  const bool known = id >= 0 && id < vocabulary;
  const __nv_bfloat162 nan = __float2bfloat162_rn(__int_as_float(0x7FC00000));
  for (int at = threadIdx.x; at < vectors; at += blockDim.x) {
    reduce::Bf16x8 packed = {{nan, nan, nan, nan}};
    if (known) packed = reduce::load8(table, static_cast<long long>(id) * vectors + at);
    reduce::store8(y, row * vectors + at, packed);
  }
}

}  // namespace layer
