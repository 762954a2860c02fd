// GPTQ on the host in plain loops, every chain of fused multiply-adds in the order of quant-lib's InverseFactor and GptqTile.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

namespace gptq_bench {

// a [n, n], upper triangle: V with V^T V = a; false when a pivot is not positive.
inline bool reference_factor(std::vector<float>& a, int n) {
  for (int p = 0; p < n; p++) {
    float root = 0;
    for (int j = p; j < n; j++) {
      float sum = a[static_cast<size_t>(p) * n + j];
      for (int q = 0; q < p; q++) sum = std::fma(-a[static_cast<size_t>(q) * n + p], a[static_cast<size_t>(q) * n + j], sum);
      if (j == p && !(sum > 0)) return false;
      if (j == p) root = std::sqrt(sum);
      a[static_cast<size_t>(p) * n + j] = sum / root;   // the pivot too
    }
  }
  return true;
}

// U of upper V [n, n]: columns of V^-1 from the last block of 128 rows on, then the other way round.
inline std::vector<float> reference_inverse(const std::vector<float>& v, int n) {
  std::vector<float> w(v.size());
  for (int i = n - 1; i >= 0; i--) {
    const int end = std::min(n, i / 128 * 128 + 128);
    for (int j = i; j < n; j++) {
      float sum = i == j ? 1.0f : 0.0f;
      for (int p = end; p <= j; p++) sum = std::fma(-v[static_cast<size_t>(i) * n + p], w[static_cast<size_t>(p) * n + j], sum);
      for (int p = i + 1; p < end && p <= j; p++) sum = std::fma(-v[static_cast<size_t>(i) * n + p], w[static_cast<size_t>(p) * n + j], sum);
      w[static_cast<size_t>(i) * n + j] = sum / v[static_cast<size_t>(i) * n + i];
    }
  }
  std::vector<float> u(v.size());
  for (int i = 0; i < n; i++) {
    for (int j = i; j < n; j++) u[static_cast<size_t>(i) * n + j] = w[static_cast<size_t>(n - 1 - j) * n + n - 1 - i];
  }
  return u;
}

// What a row becomes: weights by place, replaced by steps; false in `pass` when errors stay.
struct Row {
  float loss = 0;
  long long clipped = 0;
};

inline float round_to(float value, int type) {
  return type == 0 ? numbers::round_bf16(value) : type == 1 ? numbers::round_fp16(value) : value;
}

inline float step_of(float position, int codes, float smallest, float largest) {
  float value;
  if (codes == 1) value = numbers::e4m3_to_float(numbers::float_to_e4m3(position));
  else if (codes == 2) value = numbers::e2m1_to_float(numbers::float_to_e2m1(position));
  else value = std::nearbyint(std::max(smallest, std::min(largest, position)));
  return std::copysign(value, position);
}

// Scale s of group g: operand, dequantize, zero point at [s][g].
template <typename RuleLike>
Row reference_row(std::vector<float>& weights, const std::vector<int>& groups, const std::vector<float> (&scales)[3], const RuleLike& rule,
                  const std::vector<float>* u, int stride) {
  Row row;
  const int k = static_cast<int>(weights.size());
  for (int place = 0; place < k; place++) {
    const int g = groups[place];
    const float zero_point = scales[2][g], weight = weights[place];
    const float position = weight / scales[0][g] + zero_point;
    row.clipped += position < rule.clipped_below || position > rule.clipped_above;
    const float step = step_of(position, rule.codes, rule.smallest, rule.largest);
    weights[place] = step;
    if (u == nullptr) continue;
    const float difference = step - zero_point;
    const float scaled = difference * scales[1][g];
    const float error = (round_to(scaled, rule.type) - weight) / (*u)[static_cast<size_t>(place) * stride + place];
    const float square = error * error;
    row.loss = row.loss + square;
    for (int next = place + 1; next < k; next++) {
      weights[next] = std::fma((*u)[static_cast<size_t>(place) * stride + next], error, weights[next]);
    }
  }
  return row;
}

}  // namespace gptq_bench
