// Scales under the shrunken range of least error: org.sparkao.quant.algorithm.ShrinkSearch on the line of memoryless_mse, the
// same candidates, sums and choice. A sum has the order of the weights, so a candidate has one thread: a warp tries all of
// them on one group, and every weight is read by all of its threads at once. Then two threads compare the best candidate with
// the full range in fp64.
//
// |x|^norm comes from tables that the host made (GroupError, PowerTable): fp64 tables for a norm of 2.4, and for that norm
// rounded to the type of the weight; for bf16 the powers of all magnitudes as well.
#pragma once

#include "generic.cuh"
#include "statistics.cuh"

namespace quantize {

constexpr int kSearchSteps = 20;
constexpr int kTableDoubles = 256 + 1025 + 1;  // powers of exponents, of mantissas, then the norm

// PowerTable.of: the caller's table, interpolated.
__device__ __forceinline__ double power_of(const double* table, float x) {
  const uint32_t bits = __float_as_uint(x) & 0x7FFFFFFFu;
  if (bits == 0) return 0.0;
  const uint32_t exponent = bits >> 23;
  if (exponent == 0 || exponent == 255) return pow(fabs(static_cast<double>(x)), table[kTableDoubles - 1]);
  const double* mantissas = table + 256 + (bits >> 13 & 1023u);
  const double rest = __dmul_rn(static_cast<double>(bits & 8191u), 0x1p-13);
  return __dmul_rn(table[exponent], __dadd_rn(mantissas[0], __dmul_rn(rest, __dsub_rn(mantissas[1], mantissas[0]))));
}

// The weights of one group.
struct Group {
  const Matrix& matrix;
  int row_begin, row_end, column_begin, column_end;

  // Calls `body` with its finite weights in order.
  template <typename T, class Body>
  __device__ __forceinline__ void each(Body body) const {
    for (int row = row_begin; row < row_end; row++) {
      const long long start = static_cast<long long>(row) * matrix.columns;
#pragma unroll 1
      for (int column = column_begin; column < column_end; column++) {
        const float weight = T::at(matrix.weights, start + column);
        if (numbers::is_finite(weight)) body(weight);
      }
    }
  }
};

// GroupError.measure.
template <typename T>
__device__ __forceinline__ double error_of(const Group& group, const Scheme& scheme, const Scale& scale, const double* tables) {
  double sum = 0.0;
  group.each<T>([&](float weight) {
    const float nearest = dequantized<T>(position_of<T>(weight, scale, scheme), scale, scheme);
    sum = __dadd_rn(sum, power_of(tables, __fsub_rn(nearest, weight)));
  });
  return sum;
}

// GroupError.measureLikeReference.
template <typename T>
__device__ __forceinline__ double error_like_reference(const Group& group, const Scheme& scheme, const Scale& scale,
                                                       const double* tables) {
  if constexpr (T::kBytes == 4) {
    return error_of<T>(group, scheme, scale, tables);
  } else {
    const float* bf16_powers = reinterpret_cast<const float*>(tables + 2 * kTableDoubles);
    float sum = 0.0f;
    group.each<T>([&](float weight) {
      const float difference = __fsub_rn(dequantized<T>(position_of<T>(weight, scale, scheme), scale, scheme), weight);
      float power;
      if constexpr (T::kRangeOfFp32) {
        const uint32_t bits = __float_as_uint(difference) & 0x7FFFFFFFu;
        power = bf16_powers[min((bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16, 0x7FFFu)];
      } else {
        power = T::round(static_cast<float>(power_of(tables + kTableDoubles, T::round(difference))));
      }
      sum = __fadd_rn(sum, power);
    });
    return static_cast<double>(T::round(sum));
  }
}

// The scale of the candidate `step`.
template <typename T>
__device__ __forceinline__ Scale candidate(const Scheme& scheme, const Range& range, int step, float factor) {
  const float share = static_cast<float>(__dsub_rn(1.0, __ddiv_rn(static_cast<double>(step), 100.0)));
  return choose<T>(scheme, {T::round(__fmul_rn(range.low, share)), T::round(__fmul_rn(range.high, share))}, factor);
}

// find_scales with a search; grid and block are the same.
template <typename T>
__device__ __forceinline__ void search_scales(const Matrix& matrix, const Scheme& scheme, const Grid& grid,
                                              const double* tables) {
  reduce::release_successor();
  reduce::wait_for_predecessor();
  const long long bands = (matrix.rows + grid.rows - 1) / grid.rows;
  const long long index = static_cast<long long>(blockIdx.x) * kScaleWarps + threadIdx.x / 32;
  if (index >= bands * grid.groups) return;
  const int lane = threadIdx.x % 32;
  const int row = static_cast<int>(index / grid.groups) * grid.rows;
  const int column = static_cast<int>(index % grid.groups) * grid.columns;
  const Group group = {matrix, row, min(matrix.rows, row + grid.rows), column, min(matrix.columns, column + grid.columns)};
  bool finite;
  const Range range = range_of_group<T>(matrix, grid, index, finite);
  const float factor = matrix.tensor != nullptr ? matrix.tensor[0] : 1.0f;
  double least = __longlong_as_double(0x7FF0000000000000ll);
  int best = 0;
  if (lane < kSearchSteps) {
    const double error = error_like_reference<T>(group, scheme, candidate<T>(scheme, range, lane, factor), tables);
    if (error < least) least = error;
    best = lane;
  }
  __syncwarp();
  // The first of the least: many are equal, since the sums are rounded to the type.
  for (int offset = 16; offset > 0; offset /= 2) {
    const double other = __shfl_down_sync(kFullWarp, least, offset);
    const int step = __shfl_down_sync(kFullWarp, best, offset);
    if (other < least || (other == least && step < best)) {
      least = other;
      best = step;
    }
  }
  best = least < __longlong_as_double(0x7FF0000000000000ll) ? best : 0;
  best = __shfl_sync(kFullWarp, best, 0);
  double error = 0.0;
  if (lane < 2) {
    // The full range is not rounded to the type: it has that type.
    error = error_of<T>(group, scheme, candidate<T>(scheme, range, lane == 0 ? 0 : best, factor), tables);
  }
  __syncwarp();
  const bool better = __shfl_sync(kFullWarp, error, 1) <= __shfl_sync(kFullWarp, error, 0);
  if (lane == 0) {
    const Scale scale = candidate<T>(scheme, range, better ? best : 0, factor);
    write_scale<T>(matrix, scheme, index, scale, flags_of(scheme, scale, range, finite));
  }
}

}  // namespace quantize
