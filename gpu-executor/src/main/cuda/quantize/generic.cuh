// What fused.cuh does not cover, in two passes: any granularity, any shape, any alignment. Ranges and scales first, one
// warp a group; then codes, one thread for eight weights of a row. Also what concerns a tensor as a whole.
#pragma once

#include "codes.cuh"
#include "reduce.cuh"

namespace quantize {

// Which weights share a scale: `rows` rows of `columns` columns; `groups` scales side by side along a row; one scale for
// the whole tensor when `rows` is 0.
struct Grid {
  int rows;
  int columns;
  int groups;

  __device__ __forceinline__ long long index(int row, int column) const {
    return rows == 0 ? 0 : static_cast<long long>(row / rows) * groups + column / columns;
  }
};

// Floats in the order of integers: negative numbers count downwards, negative zero comes before zero.
__device__ __forceinline__ int order_of(float value) {
  int bits = __float_as_int(value);
  return bits ^ (bits >> 31 & 0x7FFFFFFF);
}

// Lowers keys[0] to the smallest and raises keys[1] to the largest finite weight, in the order of order_of. Minimum and
// maximum of integers do not depend on the order in which blocks come. Grid of any size.
template <typename T>
__device__ __forceinline__ void tensor_range(const unsigned char* weights, int* keys, long long count) {
  int low = 0x7F800000, high = order_of(__int_as_float(static_cast<int>(0xFF800000u)));
  reduce::release_successor();
  reduce::wait_for_predecessor();
  const bool aligned = (reinterpret_cast<uintptr_t>(weights) & 15) == 0;
  const long long octets = aligned ? count / 8 : 0;
  const long long stride = static_cast<long long>(gridDim.x) * blockDim.x;
  const long long thread = static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x;
#pragma unroll 4
  for (long long octet = thread; octet < octets; octet += stride) {
    float values[8];
    unpack<T>(load_octet<T>(weights, 8 * octet), values);
#pragma unroll
    for (int i = 0; i < 8; i++) {
      if (numbers::is_finite(values[i])) {
        low = min(low, order_of(values[i]));
        high = max(high, order_of(values[i]));
      }
    }
  }
  for (long long element = 8 * octets + thread; element < count; element += stride) {
    float value = T::at(weights, element);
    if (numbers::is_finite(value)) {
      low = min(low, order_of(value));
      high = max(high, order_of(value));
    }
  }
  for (int offset = 16; offset > 0; offset /= 2) {
    low = min(low, __shfl_xor_sync(kFullWarp, low, offset));
    high = max(high, __shfl_xor_sync(kFullWarp, high, offset));
  }
  if (threadIdx.x % 32 == 0) {
    atomicMin(keys, low);
    atomicMax(keys + 1, high);
  }
}

// What follows from the range of the whole tensor, one thread: tensor[0] is the factor that groups are computed with,
// tensor[1] the one that is stored; and the scale, where there is one for the tensor.
template <typename T>
__device__ __forceinline__ void tensor_scale(const Matrix& matrix, float* tensor, const Scheme& scheme, float low,
                                             float high, bool whole) {
  reduce::release_successor();
  reduce::wait_for_predecessor();
  Range range = {fminf(low, 0.0f), fmaxf(high, 0.0f)};
  if (low > high) range = {0.0f, 0.0f};
  float2 factor = tensor_factor<T>(scheme, range.amax());
  tensor[0] = factor.x;
  tensor[1] = factor.y;
  if (!whole) return;
  const Scale scale = choose<T>(scheme, range, factor.x);
  // Care is a matter of each row here: statistics look for themselves.
  write_scale<T>(matrix, scheme, 0, scale, flags_of(scheme, scale, range, true) & kOneByOne);
}

// The range of the finite weights of group `index`, found by one warp; whether those are all.
template <typename T>
__device__ __forceinline__ Range range_of_group(const Matrix& matrix, const Grid& grid, long long index, bool& finite) {
  const int row_begin = static_cast<int>(index / grid.groups) * grid.rows;
  const int row_end = min(matrix.rows, row_begin + grid.rows);
  const int column_begin = static_cast<int>(index % grid.groups) * grid.columns;
  const int column_end = min(matrix.columns, column_begin + grid.columns);
  Range range = {0.0f, 0.0f};
  finite = true;
  for (int row = row_begin; row < row_end; row++) {
    const long long start = static_cast<long long>(row) * matrix.columns;
#pragma unroll 4
    for (int column = column_begin + threadIdx.x % 32; column < column_end; column += 32) {
      float value = T::at(matrix.weights, start + column);
      bool counts = numbers::is_finite(value);
      finite = finite && counts;
      value = counts ? value : 0.0f;
      range = merge(range, {value, value});
    }
  }
  finite = __all_sync(kFullWarp, finite);
  return over_threads(range, 32);
}

// Scales of all groups; records are written, codes.cuh needs them.
constexpr int kScaleWarps = 8;

template <typename T>
__device__ __forceinline__ void find_scales(const Matrix& matrix, const Scheme& scheme, const Grid& grid) {
  reduce::release_successor();
  reduce::wait_for_predecessor();
  const long long bands = (matrix.rows + grid.rows - 1) / grid.rows;
  const long long index = static_cast<long long>(blockIdx.x) * kScaleWarps + threadIdx.x / 32;
  if (index >= bands * grid.groups) return;
  bool finite;
  const Range range = range_of_group<T>(matrix, grid, index, finite);
  if (threadIdx.x % 32 == 0) {
    const Scale scale = choose<T>(scheme, range, matrix.tensor != nullptr ? matrix.tensor[0] : 1.0f);
    write_scale<T>(matrix, scheme, index, scale, flags_of(scheme, scale, range, finite));
  }
}

// Codes under the scales of matrix.records. Grid (ceil(columns / 8 / block), rows).
template <typename T>
__device__ __forceinline__ void find_codes(const Matrix& matrix, const Scheme& scheme, const Grid& grid) {
  reduce::release_successor();
  reduce::wait_for_predecessor();
  const int column = (blockIdx.x * blockDim.x + threadIdx.x) * 8;
  if (column >= matrix.columns) return;
  const int last = min(column + 8, matrix.columns) - 1;
  const bool dense = matrix.columns % 8 == 0 && scheme.row_bytes(matrix.columns) * 8 ==
                         static_cast<long long>(matrix.columns) * (scheme.packed() ? scheme.bits : 8) &&
                     (reinterpret_cast<uintptr_t>(matrix.codes) & 7) == 0;
  for (int row = blockIdx.y; row < matrix.rows; row += gridDim.y) {
    const long long element = static_cast<long long>(row) * matrix.columns + column;
    const float4 record = matrix.records[grid.index(row, column)];
    Scale scale = {record.x, record.y, record.z, 0};
    const bool aligned = (reinterpret_cast<uintptr_t>(matrix.weights + element * T::kBytes) & 15) == 0;
    const bool together = last - column == 7 && aligned && grid.index(row, column) == grid.index(row, last);
    bool regular = false;
    uint2 codes = make_uint2(0, 0);
    if (together) {
      Octet<T> octet = load_octet<T>(matrix.weights, element);
      regular = is_regular(scheme, scale, range_of<T>(octet));
      if (regular) {
        const float reciprocal = __frcp_rn(scale.operand);
        with_kind<T>(scheme, [&](auto kind) {
          codes = codes_of<T, decltype(kind)>(octet, scheme, scale.operand, reciprocal, scale.zero_point);
        });
      }
    }
    if (!regular) {
      unsigned long long bytes = 0;
#pragma unroll 1
      for (int i = 0; i <= last - column; i++) {
        const float4 own = matrix.records[grid.index(row, column + i)];
        scale = {own.x, own.y, own.z, 0};
        bytes |= static_cast<unsigned long long>(codes_one_by_one<T>(matrix, scheme, scale, element + i, 1).x) << 8 * i;
      }
      codes = make_uint2(static_cast<uint32_t>(bytes), static_cast<uint32_t>(bytes >> 32));
    }
    if (dense) {
      const uint2 one[1] = {codes};
      store_octets(matrix, scheme, one, [element](int) { return element / 8; });
    } else {
      store_codes(matrix, scheme, row, column, codes);
    }
  }
}

// Zero points [rows, groups] as a dense bit stream down each column: [ceil(rows * bits / 32), groups] words. One thread a
// word.
__device__ __forceinline__ void pack_zero_points(const signed char* zero_points, uint32_t* words, int rows, int groups,
                                                 int bits) {
  reduce::release_successor();
  reduce::wait_for_predecessor();
  const long long index = static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x;
  const long long count = (static_cast<long long>(rows) * bits + 31) / 32 * groups;
  if (index >= count) return;
  const long long word = index / groups;
  const int group = static_cast<int>(index % groups);
  uint32_t packed = 0;
  for (long long row = 32 * word / bits; row < rows && row * bits < 32 * word + 32; row++) {
    const uint32_t code = static_cast<uint32_t>(zero_points[row * groups + group] + (1 << (bits - 1))) & ((1u << bits) - 1u);
    const int shift = static_cast<int>(row * bits - 32 * word);
    packed |= shift >= 0 ? code << shift : code >> -shift;
  }
  words[index] = packed;
}

}  // namespace quantize
