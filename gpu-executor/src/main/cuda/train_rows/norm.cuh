// Root mean square norms and their gradients, a warp a row.
#pragma once

#include "numbers8.cuh"

namespace train_rows {

constexpr int kRowWarps = 4;

__device__ __forceinline__ float inverse_root(const Numbers& x, long long row, int columns, float epsilon) {
  float sum = 0;
  for (int c = 8 * lane(); c < columns; c += 256) {
    Eight v;
    x.load(row * columns + c, min(8, columns - c), v);
#pragma unroll
    for (int j = 0; j < 8; j++) sum = fmaf(v[j], v[j], sum);
  }
  return 1.0f / sqrtf(reduce::over_warp<reduce::Sum>(sum) / static_cast<float>(columns) + epsilon);
}

__device__ __forceinline__ void norm_row(const Numbers& x, const Numbers& weight, const Numbers& y, long long row, int columns, float epsilon) {
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
__device__ __forceinline__ void norm_gradient_row(const Numbers& x, const Numbers& weight, const Numbers& dy, const Numbers& dx, float* roots,
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

}  // namespace train_rows
