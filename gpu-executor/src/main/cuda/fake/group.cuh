// Matrices, the numbers that share a scale, and their scale. Rules and codes are those of quantize.
#pragma once

#include "../quantize/generic.cuh"

namespace fake {

using quantize::Scale;
using quantize::Scheme;

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / 32;
constexpr int kEach = 4;  // numbers of a thread, side by side

// Which numbers share a scale, as quantize::Grid; how many rows of them a team works on, and how many threads a team has: a
// power of two up to 32, or 256. A team has one group; where scales are learned, one row of it.
struct Grid {
  int rows;
  int columns;
  int groups;
  int team_rows;
  int threads;

  // The scale of a row.
  __device__ __forceinline__ long long index(int row, int group) const {
    return rows == 0 ? 0 : static_cast<long long>(row / rows) * groups + group;
  }
};

// A matrix [rows, columns] and where its scales come from.
struct Matrix {
  const unsigned char* x;
  const float* scales;       // learned [bands, groups]; null where they follow from x
  const float* zero_points;  // learned, the same shape; null where there are none
  const float4* tensor;      // of tensor_scale; null where nothing concerns the tensor as a whole
  int rows;
  int columns;
};

// The part of a matrix that a team works on. A team behind the last has no rows.
struct Part {
  int row_begin, row_end, column_begin, column_end;
  int group;
  int lane;
};

__device__ __forceinline__ Part part_of(const Matrix& matrix, const Grid& grid) {
  const long long index = (static_cast<long long>(blockIdx.x) * kThreads + threadIdx.x) / grid.threads;
  const long long row = index / grid.groups * grid.team_rows;
  Part part;
  part.group = static_cast<int>(index % grid.groups);
  part.row_begin = static_cast<int>(row < matrix.rows ? row : matrix.rows);
  part.row_end = min(matrix.rows, part.row_begin + grid.team_rows);
  part.column_begin = part.group * grid.columns;
  part.column_end = min(matrix.columns, part.column_begin + grid.columns);
  part.lane = threadIdx.x % grid.threads;
  return part;
}

// Whether four numbers of type T from any column of a part on can be read at once.
template <typename T>
__device__ __forceinline__ bool aligned(const unsigned char* x, const Matrix& matrix, const Grid& grid) {
  return matrix.columns % kEach == 0 && grid.columns % kEach == 0 && reinterpret_cast<uintptr_t>(x) % (kEach * T::kBytes) == 0;
}

// Up to four numbers; zeros behind them.
template <typename T>
__device__ __forceinline__ void load(const unsigned char* x, long long element, int count, bool together, float (&values)[kEach]) {
  if (together) {
    if constexpr (T::kBytes == 4) {
      const float4 four = *reinterpret_cast<const float4*>(x + element * 4);
      values[0] = four.x, values[1] = four.y, values[2] = four.z, values[3] = four.w;
    } else {
      const uint2 pairs = *reinterpret_cast<const uint2*>(x + element * 2);
      values[0] = T::low(pairs.x), values[1] = T::high(pairs.x), values[2] = T::low(pairs.y), values[3] = T::high(pairs.y);
    }
    return;
  }
#pragma unroll
  for (int i = 0; i < kEach; i++) values[i] = i < count ? T::at(x, element + i) : 0.0f;
}

template <typename T>
__device__ __forceinline__ void store(unsigned char* y, long long element, int count, bool together, const float (&values)[kEach]) {
  if (together) {
    if constexpr (T::kBytes == 4) {
      *reinterpret_cast<float4*>(y + element * 4) = make_float4(values[0], values[1], values[2], values[3]);
    } else {
      *reinterpret_cast<uint2*>(y + element * 2) = make_uint2(T::pair(values[0], values[1]), T::pair(values[2], values[3]));
    }
    return;
  }
#pragma unroll
  for (int i = 0; i < kEach; i++) {
    if (i < count) T::put(y, element + i, values[i]);
  }
}

// Calls `body(element, count)` for the numbers of a thread, four at a time; element counts from the begin of the matrix.
template <class Body>
__device__ __forceinline__ void for_each(const Matrix& matrix, const Grid& grid, const Part& part, Body body) {
  for (int row = part.row_begin; row < part.row_end; row++) {
    const long long start = static_cast<long long>(row) * matrix.columns;
    for (int column = part.column_begin + part.lane * kEach; column < part.column_end; column += grid.threads * kEach) {
      body(start + column, min(kEach, part.column_end - column));
    }
  }
}

// The range of the finite numbers of a team, rounded to type T, and whether those are all; 0 is included. All threads of a block
// call.
template <typename In, typename T>
__device__ __forceinline__ quantize::Range range_of(const Matrix& matrix, const Grid& grid, const Part& part, bool together,
                                                    bool& finite) {
  __shared__ quantize::Range partial[32];
  quantize::Range range = {0.0f, 0.0f};
  // The product with 0 is 0, or NaN for what is not finite.
  float zeros = 0.0f;
  for_each(matrix, grid, part, [&](long long element, int count) {
    float values[kEach];
    load<In>(matrix.x, element, count, together, values);
#pragma unroll
    for (int i = 0; i < kEach; i++) {
      const float value = T::round(values[i]);
      zeros = __fmaf_rn(value, 0.0f, zeros);
      range = quantize::merge(range, {value, value});
    }
  });
  // A team of more than a warp is a block; of smaller ones a neighbour may be broken, which costs time alone.
  finite = grid.threads > 32 ? __syncthreads_and(zeros == 0.0f) : __all_sync(quantize::kFullWarp, zeros == 0.0f);
  if (!finite) {
    range = {0.0f, 0.0f};
    for_each(matrix, grid, part, [&](long long element, int count) {
      float values[kEach];
      load<In>(matrix.x, element, count, together, values);
#pragma unroll
      for (int i = 0; i < kEach; i++) {
        float value = T::round(values[i]);
        value = numbers::is_finite(value) ? value : 0.0f;
        range = quantize::merge(range, {value, value});
      }
    });
  }
  range = quantize::over_threads(range, min(grid.threads, 32));
  return grid.threads > 32 ? quantize::over_warps(range, partial) : range;
}

// A learned scale as it is stored: of type T, not below 1e-9 and the smallest normal number; a learned zero point is a code.
template <typename T>
__device__ __forceinline__ Scale learned(const Matrix& matrix, const Scheme& scheme, long long index) {
  const float scale = T::round(quantize::max_nan(fmaxf(1e-9f, T::kSmallestNormal), matrix.scales[index]));
  Scale found = {scale, scale, 0.0f, 0};
  const int quotient = scheme.quotient();
  if (quotient == quantize::kMultiply || quotient == quantize::kMultiplyAndRound) found.operand = __fdiv_rn(1.0f, scale);
  if (quotient == quantize::kMultiplyAndRoundInType) found.operand = T::round(__fdiv_rn(1.0f, scale));
  if (matrix.zero_points != nullptr) {
    found.zero_point = fmaxf(scheme.smallest(), fminf(scheme.largest(), rintf(matrix.zero_points[index])));
  }
  return found;
}

// The scale of a team, and what is known of its numbers. Regular: all are finite, and quotients need no care.
struct Found {
  Scale scale;
  quantize::Range range;
  bool regular;
};

// All threads of a block call.
template <typename In, typename T>
__device__ __forceinline__ Found find(const Matrix& matrix, const Scheme& scheme, const Grid& grid, const Part& part, bool together) {
  Found found = {{1.0f, 1.0f, 0.0f, 0}, {0.0f, 0.0f}, false};
  if (matrix.scales != nullptr) {
    if (part.row_begin < part.row_end) found.scale = learned<T>(matrix, scheme, grid.index(part.row_begin, part.group));
  } else if (grid.rows == 0) {
    found.scale = {matrix.tensor->y, matrix.tensor->z, matrix.tensor->w, 0};
  } else {
    bool finite;
    found.range = range_of<In, T>(matrix, grid, part, together, finite);
    found.scale = quantize::choose<T>(scheme, found.range, matrix.tensor != nullptr ? matrix.tensor->x : 1.0f);
    found.regular = finite && quantize::is_regular(scheme, found.scale, found.range);
  }
  return found;
}

// What follows from the range of a tensor, one thread: the factor that groups are computed with; operand, dequantize and zero
// point of the scale of the tensor. `keys`: smallest and largest, as quantize_range leaves them.
template <typename T>
__device__ __forceinline__ void tensor_scale(const int* keys, float4* tensor, const Scheme& scheme) {
  const float low = T::round(__int_as_float(quantize::order_of(__int_as_float(keys[0]))));
  const float high = T::round(__int_as_float(quantize::order_of(__int_as_float(keys[1]))));
  quantize::Range range = {fminf(low, 0.0f), fmaxf(high, 0.0f)};
  if (low > high) range = {0.0f, 0.0f};
  const float factor = quantize::tensor_factor<T>(scheme, range.amax()).x;
  const Scale scale = quantize::choose<T>(scheme, range, factor);
  *tensor = make_float4(factor, scale.operand, scale.dequantize, scale.zero_point);
}

}  // namespace fake
