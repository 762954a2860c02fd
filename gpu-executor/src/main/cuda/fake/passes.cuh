// Fake numbers, and gradients back through them: what org.sparkao.quant.algorithm.FakeQuantizer does, a team for each scale.
#pragma once

#include "group.cuh"

namespace fake {

// The number that the code of a position stands for; the sign of a position that is rounded to zero stays.
template <int kFormat>
__device__ __forceinline__ float nearest(float position, const Scheme& scheme) {
  if constexpr (kFormat == quantize::kE4m3) {
    return numbers::e4m3_to_float(numbers::float_to_e4m3(position));
  } else if constexpr (kFormat == quantize::kE2m1) {
    return numbers::e2m1_to_float(numbers::float_to_e2m1(position));
  } else {
    return rintf(fmaxf(scheme.smallest(), fminf(scheme.largest(), position)));
  }
}

__device__ __forceinline__ float next_down(float positive) { return __int_as_float(__float_as_int(positive) - 1); }

// Positions beyond these are cut off. Halves go to the even code: beyond the largest, which is odd, not below the smallest.
template <int kFormat>
__device__ __forceinline__ float2 bounds(const Scheme& scheme) {
  if constexpr (kFormat == quantize::kE4m3) return {-464.0f, 464.0f};
  if constexpr (kFormat == quantize::kE2m1) return {-next_down(7.0f), next_down(7.0f)};
  return {scheme.smallest() - 0.5f, next_down(scheme.largest() + 0.5f)};
}

// position_of for a number of a regular team: finite, its quotient without underflow (codes.cuh of quantize says why).
template <typename T, int kQuotient>
__device__ __forceinline__ float regular_position(float value, const Scale& scale, float reciprocal) {
  if constexpr (kQuotient == quantize::kDivideInType || kQuotient == quantize::kDivide || kQuotient == quantize::kDivideKeepingSign) {
    const bool shortly = T::kBytes == 2 && kQuotient != quantize::kDivide;
    float quotient = shortly ? quantize::divide_once(value, scale.operand, reciprocal)
                             : quantize::divide_exactly(value, scale.operand, reciprocal);
    if constexpr (kQuotient == quantize::kDivide) return __fadd_rn(quotient, 0.0f);
    // The residual of a negative zero is positive.
    if constexpr (kQuotient == quantize::kDivideKeepingSign) return copysignf(quotient, value);
    return T::round(__fadd_rn(T::round(quotient), scale.zero_point));
  } else {
    return quantize::position_of<T>(value, scale, kQuotient, quantize::kE4m3);
  }
}

// fake = T((code - zero point) * scale), written as Out.
template <typename In, typename T, typename Out>
__device__ __forceinline__ void forward(const Matrix& matrix, unsigned char* out, const Scheme& scheme, const Grid& grid) {
  const Part part = part_of(matrix, grid);
  const bool together = aligned<In>(matrix.x, matrix, grid), store_together = aligned<Out>(out, matrix, grid);
  const Found found = find<In, T>(matrix, scheme, grid, part, together);
  const Scale& scale = found.scale;
  const float reciprocal = __frcp_rn(scale.operand);
  quantize::with_kind<T>(scheme, [&](auto kind) {
    constexpr int kQuotient = decltype(kind)::kQuotient, kFormat = decltype(kind)::kFormat;
    for_each(matrix, grid, part, [&](long long element, int count) {
      float values[kEach];
      load<In>(matrix.x, element, count, together, values);
#pragma unroll
      for (int i = 0; i < kEach; i++) {
        const float value = T::round(values[i]);
        const float position = found.regular ? regular_position<T, kQuotient>(value, scale, reciprocal)
                                             : quantize::position_of<T>(value, scale, kQuotient, kFormat);
        const float steps = __fsub_rn(nearest<kFormat>(position, scheme), scale.zero_point);
        values[i] = T::round(__fmul_rn(steps, scale.dequantize));
      }
      store<Out>(out, element, count, store_together, values);
    });
  });
}

// Adds up over a team, in an order that follows from its number of threads. All threads of a block call.
__device__ __forceinline__ double2 sum_of(double2 sum, int threads) {
  __shared__ double2 partial[kWarps];
  for (int offset = min(threads, 32) / 2; offset > 0; offset /= 2) {
    sum.x += __shfl_xor_sync(quantize::kFullWarp, sum.x, offset);
    sum.y += __shfl_xor_sync(quantize::kFullWarp, sum.y, offset);
  }
  if (threads <= 32) return sum;
  if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = sum;
  __syncthreads();
  sum = partial[0];
  for (int warp = 1; warp < kWarps; warp++) {
    sum.x += partial[warp].x;
    sum.y += partial[warp].y;
  }
  return sum;
}

// The gradient of x where scales follow from x: zeros where x was cut off, nothing else is written.
template <typename In, typename T, typename Gradient>
__device__ __forceinline__ void cut_off(const Matrix& matrix, unsigned char* gradient, const Scheme& scheme, const Grid& grid) {
  const Part part = part_of(matrix, grid);
  const bool together = aligned<In>(matrix.x, matrix, grid);
  const Found found = find<In, T>(matrix, scheme, grid, part, together);
  const Scale& scale = found.scale;
  quantize::with_kind<T>(scheme, [&](auto kind) {
    constexpr int kQuotient = decltype(kind)::kQuotient, kFormat = decltype(kind)::kFormat;
    const float2 bound = bounds<kFormat>(scheme);
    // Positions never fall as numbers rise: none is beyond those of the smallest and the largest.
    if (found.regular && quantize::position_of<T>(found.range.low, scale, kQuotient, kFormat) >= bound.x &&
        quantize::position_of<T>(found.range.high, scale, kQuotient, kFormat) <= bound.y) {
      return;
    }
    for_each(matrix, grid, part, [&](long long element, int count) {
      float values[kEach];
      load<In>(matrix.x, element, count, together, values);
#pragma unroll
      for (int i = 0; i < kEach; i++) {
        const float position = quantize::position_of<T>(T::round(values[i]), scale, kQuotient, kFormat);
        if (i < count && (position < bound.x || position > bound.y)) Gradient::put(gradient, element + i, 0.0f);
      }
    });
  });
}

// The same where scales are learned, gradients in fp32; sums [rows, groups]: of gradient * d fake / d scale and d zero point, in
// fp64 of terms in fp32. A team has one row of one group.
template <typename T>
__device__ __forceinline__ void backward(const Matrix& matrix, unsigned char* gradient, double2* sums, const Scheme& scheme,
                                         const Grid& grid) {
  const Part part = part_of(matrix, grid);
  const bool together = aligned<quantize::Fp32>(matrix.x, matrix, grid) && aligned<quantize::Fp32>(gradient, matrix, grid);
  const Scale scale = find<quantize::Fp32, T>(matrix, scheme, grid, part, together).scale;
  double2 sum = {0.0, 0.0};
  quantize::with_kind<T>(scheme, [&](auto kind) {
    constexpr int kQuotient = decltype(kind)::kQuotient, kFormat = decltype(kind)::kFormat;
    const float2 bound = bounds<kFormat>(scheme);
    for_each(matrix, grid, part, [&](long long element, int count) {
      float values[kEach], slopes[kEach];
      load<quantize::Fp32>(matrix.x, element, count, together, values);
      load<quantize::Fp32>(gradient, element, count, together, slopes);
      bool clipped = false;
#pragma unroll
      for (int i = 0; i < kEach; i++) {
        const float x = T::round(values[i]);
        const float position = quantize::position_of<T>(x, scale, kQuotient, kFormat);
        const float step = __fsub_rn(nearest<kFormat>(position, scheme), scale.zero_point);
        const double slope = i < count ? slopes[i] : 0.0f;
        if (position < bound.x || position > bound.y) {
          sum.x += slope * step;
          sum.y -= slope * scale.dequantize;
          slopes[i] = 0.0f;
          clipped = true;
        } else {
          sum.x += slope * __fsub_rn(step, __fdiv_rn(x, scale.dequantize));
        }
      }
      if (clipped) store<quantize::Fp32>(gradient, element, count, together, slopes);
    });
  });
  sum = sum_of(sum, grid.threads);
  if (part.lane == 0 && part.row_begin < part.row_end) {
    sums[static_cast<long long>(part.row_begin) * grid.groups + part.group] = sum;
  }
}

// Adds the sums of `rows` rows to the gradient of the scale that they share, the first row first, times `factor`. One thread a
// scale; `band` is the rows that share one.
__device__ __forceinline__ void add_sums(const double2* sums, float* scales, float* zero_points, int rows, int groups, int band,
                                         float factor) {
  const long long index = static_cast<long long>(blockIdx.x) * kThreads + threadIdx.x;
  const long long bands = (rows - 1) / band + 1;
  if (index >= bands * groups) return;
  const int begin = static_cast<int>(index / groups) * band, end = min(rows, begin + band);
  const int group = static_cast<int>(index % groups);
  double2 sum = {0.0, 0.0};
  for (int row = begin; row < end; row++) {
    const double2 one = sums[static_cast<long long>(row) * groups + group];
    sum.x += one.x;
    sum.y += one.y;
  }
  scales[index] = __fadd_rn(scales[index], __fmul_rn(__double2float_rn(sum.x), factor));
  if (zero_points != nullptr) {
    zero_points[index] = __fadd_rn(zero_points[index], __fmul_rn(__double2float_rn(sum.y), factor));
  }
}

}  // namespace fake
