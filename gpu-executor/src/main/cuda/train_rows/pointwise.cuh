// What is done to each number.
#pragma once

#include "numbers8.cuh"

namespace train_rows {

// y = factor x, or y + factor x: eights of all numbers.
template <typename X, typename Y>
__device__ __forceinline__ void combine(const X& x, const Y& y, float factor, bool add, long long count) {
  const long long step = 8ll * gridDim.x * blockDim.x;
  for (long long i = 8ll * (blockIdx.x * static_cast<long long>(blockDim.x) + threadIdx.x); i < count; i += step) {
    const int some = static_cast<int>(min(8ll, count - i));
    Eight v, before;
    x.load(i, some, v);
    if (add) y.load(i, some, before);
#pragma unroll
    for (int j = 0; j < 8; j++) v[j] = add ? before[j] + factor * v[j] : factor * v[j];
    y.store(i, some, v);
  }
}

// y = y x: eights of all numbers.
template <typename X, typename Y>
__device__ __forceinline__ void multiply(const X& x, const Y& y, long long count) {
  const long long step = 8ll * gridDim.x * blockDim.x;
  for (long long i = 8ll * (blockIdx.x * static_cast<long long>(blockDim.x) + threadIdx.x); i < count; i += step) {
    const int some = static_cast<int>(min(8ll, count - i));
    Eight v, factors;
    y.load(i, some, v);
    x.load(i, some, factors);
#pragma unroll
    for (int j = 0; j < 8; j++) v[j] *= factors[j];
    y.store(i, some, v);
  }
}

__device__ __forceinline__ float sigmoid(float x) { return __fdividef(1.0f, 1.0f + reduce::exp2_fast(-reduce::kLog2E * x)); }

// An eight of Y [rows, columns] a thread: silu(gate) up of a row of gates, then ups.
template <typename X>
__device__ __forceinline__ void gate(const X& gate_up, const X& y, long long row, int c, int columns) {
  const int count = min(8, columns - c);
  Eight g, u;
  gate_up.load(2 * row * columns + c, count, g);
  gate_up.load((2 * row + 1) * columns + c, count, u);
#pragma unroll
  for (int j = 0; j < 8; j++) g[j] = g[j] * sigmoid(g[j]) * u[j];
  y.store(row * columns + c, count, g);
}

template <typename X>
__device__ __forceinline__ void gate_gradient(const X& gate_up, const X& dy, const X& d_gate_up, long long row, int c,
                                              int columns) {
  const int count = min(8, columns - c);
  const long long at_gate = 2 * row * columns + c, at_up = (2 * row + 1) * columns + c;
  Eight g, u, d;
  gate_up.load(at_gate, count, g);
  gate_up.load(at_up, count, u);
  dy.load(row * columns + c, count, d);
#pragma unroll
  for (int j = 0; j < 8; j++) {
    const float s = sigmoid(g[j]), silu = g[j] * s;
    g[j] = d[j] * u[j] * (s + silu * (1.0f - s));
    u[j] = d[j] * silu;
  }
  d_gate_up.store(at_gate, count, g);
  d_gate_up.store(at_up, count, u);
}

// A warp a row: losses[row] grows by factor d, y = factor weight times the gradient of d = sum of (y - target)^2 / sum of target^2;
// d = 0 where the target is.
__device__ __forceinline__ void relative_error(const Numbers& y, const Numbers& target, float factor, float weight, const Numbers& losses,
                                               long long row, int columns) {
  float squares = 0;
  for (int c = 8 * lane(); c < columns; c += 256) {
    const int count = min(8, columns - c);
    Eight t;
    target.load(row * columns + c, count, t);
#pragma unroll
    for (int j = 0; j < 8; j++) squares = fmaf(t[j], t[j], squares);
  }
  squares = reduce::over_warp<reduce::Sum>(squares);
  const float share = squares > 0 ? factor / squares : 0;
  float sum = 0;
  for (int c = 8 * lane(); c < columns; c += 256) {
    const int count = min(8, columns - c);
    Eight v, t;
    y.load(row * columns + c, count, v);
    target.load(row * columns + c, count, t);
#pragma unroll
    for (int j = 0; j < 8; j++) {
      v[j] -= t[j];
      sum = fmaf(v[j], v[j], sum);
      v[j] *= 2 * share * weight;
    }
    y.store(row * columns + c, count, v);
  }
  sum = reduce::over_warp<reduce::Sum>(sum);
  if (lane() == 0) {
    Eight total;
    losses.load(row, 1, total);
    total[0] += share * sum;
    losses.store(row, 1, total);
  }
}

}  // namespace train_rows
