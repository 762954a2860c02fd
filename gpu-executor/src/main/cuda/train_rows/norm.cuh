// Root mean square norms and their gradients, a warp a row; first for rows of any length.
#pragma once

#include "numbers8.cuh"

namespace train_rows {

constexpr int kRowWarps = 4;

template <typename X>
__device__ __forceinline__ float inverse_root(const X& x, long long row, int columns, float epsilon) {
  float sum = 0;
  for (int c = 8 * lane(); c < columns; c += 256) {
    Eight v;
    x.load(row * columns + c, min(8, columns - c), v);
#pragma unroll
    for (int j = 0; j < 8; j++) sum = fmaf(v[j], v[j], sum);
  }
  return 1.0f / sqrtf(reduce::over_warp<reduce::Sum>(sum) / static_cast<float>(columns) + epsilon);
}

template <typename X>
__device__ __forceinline__ void norm_row(const X& x, const Numbers& weight, const X& y, long long row, int columns, float epsilon) {
  const float root = inverse_root(x, row, columns, epsilon);
  for (int c = 8 * lane(); c < columns; c += 256) {
    const int count = min(8, columns - c);
    Eight v, w;
    x.load(row * columns + c, count, v);
    weight.load(c, count, w);
#pragma unroll
    for (int j = 0; j < 8; j++) v[j] = v[j] * root * w[j];
    y.store(row * columns + c, count, v);
  }
}

// With n = x root and g = dy weight: dx = dx + root (g - n mean(g n)). Leaves root.
template <typename X>
__device__ __forceinline__ void norm_gradient_row(const X& x, const Numbers& weight, const X& dy, const X& dx, float* roots,
                                                  long long row, int columns, float epsilon) {
  float squares = 0, products = 0;
  for (int c = 8 * lane(); c < columns; c += 256) {
    const int count = min(8, columns - c);
    Eight v, w, d;
    x.load(row * columns + c, count, v);
    dy.load(row * columns + c, count, d);
    weight.load(c, count, w);
#pragma unroll
    for (int j = 0; j < 8; j++) {
      squares = fmaf(v[j], v[j], squares);
      products = fmaf(d[j] * w[j], v[j], products);
    }
  }
  const float root = 1.0f / sqrtf(reduce::over_warp<reduce::Sum>(squares) / static_cast<float>(columns) + epsilon);
  const float mean = reduce::over_warp<reduce::Sum>(products) * root / static_cast<float>(columns);
  if (lane() == 0) roots[row] = root;
  for (int c = 8 * lane(); c < columns; c += 256) {
    const int count = min(8, columns - c);
    Eight v, w, d, to;
    x.load(row * columns + c, count, v);
    dy.load(row * columns + c, count, d);
    weight.load(c, count, w);
    dx.load(row * columns + c, count, to);
#pragma unroll
    for (int j = 0; j < 8; j++) to[j] += root * (d[j] * w[j] - v[j] * root * mean);
    dx.store(row * columns + c, count, to);
  }
}

// ---- rows of at most 256 kEights numbers, which stay in registers: eight e of a lane has columns 8 (32 e + lane) ----

template <int kEights>
struct HeldRow {
  Eight eights[kEights];

  template <typename X>
  __device__ __forceinline__ void load(const X& x, long long row, int columns) {
#pragma unroll
    for (int e = 0; e < kEights; e++) {
      const int c = 8 * (32 * e + lane());
      x.load(row * columns + c, max(0, min(8, columns - c)), eights[e]);
    }
  }
};

template <int kEights, typename X>
__device__ __forceinline__ void norm_held(const X& x, const Numbers& weight, const X& y, long long row, int columns, float epsilon) {
  HeldRow<kEights> v;
  v.load(x, row, columns);
  float sum = 0;
#pragma unroll
  for (int i = 0; i < 8 * kEights; i++) sum = fmaf(v.eights[i / 8][i % 8], v.eights[i / 8][i % 8], sum);
  const float root = 1.0f / sqrtf(reduce::over_warp<reduce::Sum>(sum) / static_cast<float>(columns) + epsilon);
#pragma unroll
  for (int e = 0; e < kEights; e++) {
    const int c = 8 * (32 * e + lane());
    if (c >= columns) continue;
    Eight w;
    weight.load(c, min(8, columns - c), w);
#pragma unroll
    for (int j = 0; j < 8; j++) w[j] = v.eights[e][j] * root * w[j];
    y.store(row * columns + c, min(8, columns - c), w);
  }
}

// As norm_gradient_row.
template <int kEights, typename X>
__device__ __forceinline__ void norm_gradient_held(const X& x, const Numbers& weight, const X& dy, const X& dx, float* roots, long long row,
                                                   int columns, float epsilon) {
  HeldRow<kEights> v, d;
  v.load(x, row, columns);
  d.load(dy, row, columns);
  float squares = 0, products = 0;
#pragma unroll
  for (int e = 0; e < kEights; e++) {
    const int c = 8 * (32 * e + lane());
    if (c >= columns) continue;
    Eight w;
    weight.load(c, min(8, columns - c), w);
#pragma unroll
    for (int j = 0; j < 8; j++) {
      d.eights[e][j] *= w[j];
      squares = fmaf(v.eights[e][j], v.eights[e][j], squares);
      products = fmaf(d.eights[e][j], v.eights[e][j], products);
    }
  }
  const float root = 1.0f / sqrtf(reduce::over_warp<reduce::Sum>(squares) / static_cast<float>(columns) + epsilon);
  const float mean = reduce::over_warp<reduce::Sum>(products) * root / static_cast<float>(columns);
  if (lane() == 0) roots[row] = root;
#pragma unroll
  for (int e = 0; e < kEights; e++) {
    const int c = 8 * (32 * e + lane()), count = min(8, columns - c);
    if (c >= columns) continue;
    Eight to;
    dx.load(row * columns + c, count, to);
#pragma unroll
    for (int j = 0; j < 8; j++) to[j] += root * (d.eights[e][j] - v.eights[e][j] * root * mean);
    dx.store(row * columns + c, count, to);
  }
}

}  // namespace train_rows
