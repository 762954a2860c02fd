// How wrong codes are against the weights, row by row, summed in the order of the CPU so that the bits agree
// (org.sparkao.quant.algorithm.ErrorSums): element j of a group goes to lane j mod 8 in fp32, group after group of the row;
// the lanes are added in order in fp64 at the end of the row. Groups that need care go to fp64 at once, element after
// element. Rows are added by the host, in order.
//
// Eight threads a row, one a lane, each a chain of additions that nothing can shorten; careful groups are the work of the
// first of them. The weights are read once more, which the job does not notice beside the copy to the device.
#pragma once

#include "codes.cuh"
#include "generic.cuh"

namespace quantize {

// The sums of one row, 48 bytes: what org.sparkao.gpu.quantize.RowStatistics reads.
struct RowStatistics {
  double signal;
  double noise;
  double absolute;
  float max_error;
  float amax;
  unsigned int non_finite;
  unsigned int clipped;
  unsigned int padding[2];
};

constexpr int kStatisticsThreads = 128;

struct Sums {
  float signal, noise, absolute;
  double careful_signal, careful_noise, careful_absolute;
  uint32_t largest;  // as the bits of a float that is not negative: they compare as integers, NaN above all
  float amax;
  unsigned int non_finite, clipped;
};

// Quotients beyond these round to codes outside of the range: CodeRule.clips.
__device__ __forceinline__ bool clips(float position, const Scheme& scheme) {
  switch (scheme.format) {
    case kE4m3: return fabsf(position) > 464.0f;
    case kE2m1: return fabsf(position) > 0x1.bffffep2f;  // the last number below 7
    default: {
      float above = __fadd_rn(scheme.largest(), 0.5f);
      return position < __fsub_rn(scheme.smallest(), 0.5f) || position >= above;
    }
  }
}

template <typename T>
__device__ __forceinline__ float dequantized(float position, const Scale& scale, const Scheme& scheme) {
  float value = value_of(code_of(position, scheme), scheme);
  return T::round(__fmul_rn(__fsub_rn(value, scale.zero_point), scale.dequantize));
}

template <typename T>
__device__ __forceinline__ void add(Sums& sums, float weight, const Scale& scale, const Scheme& scheme) {
  float position = position_of<T>(weight, scale, scheme);
  sums.clipped += clips(position, scheme);
  float error = __fsub_rn(weight, dequantized<T>(position, scale, scheme));
  sums.signal = __fadd_rn(sums.signal, __fmul_rn(weight, weight));
  sums.noise = __fadd_rn(sums.noise, __fmul_rn(error, error));
  sums.absolute = __fadd_rn(sums.absolute, fabsf(error));
  sums.largest = max(sums.largest, __float_as_uint(fabsf(error)));
  sums.amax = fmaxf(sums.amax, fabsf(weight));
}

template <typename T>
__device__ __forceinline__ void add_carefully(Sums& sums, float weight, const Scale& scale, const Scheme& scheme) {
  if (!numbers::is_finite(weight)) {
    sums.non_finite++;
    return;
  }
  float position = position_of<T>(weight, scale, scheme);
  sums.clipped += clips(position, scheme);
  double wide = static_cast<double>(weight);
  double error = __dsub_rn(wide, static_cast<double>(dequantized<T>(position, scale, scheme)));
  sums.careful_signal = __dadd_rn(sums.careful_signal, __dmul_rn(wide, wide));
  sums.careful_noise = __dadd_rn(sums.careful_noise, __dmul_rn(error, error));
  sums.careful_absolute = __dadd_rn(sums.careful_absolute, fabs(error));
  sums.largest = max(sums.largest, __float_as_uint(__double2float_rn(fabs(error))));
  sums.amax = fmaxf(sums.amax, fabsf(weight));
}

// The lanes of a row, added in order.
__device__ __forceinline__ double drain(float lane) {
  double sum = 0.0;
  for (int i = 0; i < 8; i++) sum = __dadd_rn(sum, static_cast<double>(__shfl_sync(kFullWarp, lane, i, 8)));
  return sum;
}

// Whether a row of a tensor that has one scale needs care: it has no record of its own.
template <typename T>
__device__ __forceinline__ bool row_needs_care(const Matrix& matrix, long long start, int lane) {
  float amax = 0.0f;
  bool finite = true;
  for (int column = lane; column < matrix.columns; column += 8) {
    float weight = T::at(matrix.weights, start + column);
    bool counts = numbers::is_finite(weight);
    finite = finite && counts;
    amax = counts ? fmaxf(amax, fabsf(weight)) : amax;
  }
  Range range = over_threads({-amax, finite ? amax : __int_as_float(0x7F800000)}, 8);
  return needs_care(-range.low, range.finite());
}

template <typename T>
__device__ __forceinline__ void row_statistics(const Matrix& matrix, RowStatistics* out, const Scheme& scheme,
                                               const Grid& grid) {
  reduce::release_successor();
  reduce::wait_for_predecessor();
  const int lane = threadIdx.x % 8;
  const long long asked = static_cast<long long>(blockIdx.x) * (kStatisticsThreads / 8) + threadIdx.x / 8;
  const int row = static_cast<int>(min(asked, static_cast<long long>(matrix.rows) - 1));
  const long long start = static_cast<long long>(row) * matrix.columns;
  const bool whole = grid.rows == 0;
  const bool careful_row = whole && row_needs_care<T>(matrix, start, lane);
  Sums sums = {};
  for (int group = 0; group < grid.groups; group++) {
    const int begin = group * grid.columns;
    const int end = min(matrix.columns, begin + grid.columns);
    const float4 record = matrix.records[grid.index(row, begin)];
    const Scale scale = {record.x, record.y, record.z, 0};
    if (whole ? careful_row : (__float_as_int(record.w) & kCare) != 0) {
      if (lane == 0) {
#pragma unroll 1
        for (int column = begin; column < end; column++) {
          add_carefully<T>(sums, T::at(matrix.weights, start + column), scale, scheme);
        }
      }
    } else {
#pragma unroll 4
      for (int column = begin + lane; column < end; column += 8) {
        add<T>(sums, T::at(matrix.weights, start + column), scale, scheme);
      }
    }
  }
  __syncwarp();
  const double signal = drain(sums.signal), noise = drain(sums.noise), absolute = drain(sums.absolute);
  for (int offset = 4; offset > 0; offset /= 2) {
    sums.largest = max(sums.largest, __shfl_xor_sync(kFullWarp, sums.largest, offset));
    sums.amax = fmaxf(sums.amax, __shfl_xor_sync(kFullWarp, sums.amax, offset));
    sums.clipped += __shfl_xor_sync(kFullWarp, sums.clipped, offset);
  }
  if (lane == 0 && asked < matrix.rows) {
    out[row] = {__dadd_rn(sums.careful_signal, signal),
                __dadd_rn(sums.careful_noise, noise),
                __dadd_rn(sums.careful_absolute, absolute),
                __uint_as_float(sums.largest),
                sums.amax,
                sums.non_finite,
                sums.clipped,
                {0, 0}};
  }
}

}  // namespace quantize
