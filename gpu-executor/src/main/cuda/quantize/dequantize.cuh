// Codes back to weights, as a loader does it: (value of the code - zero point) * scale in fp32, rounded to the type once.
// NVFP4 scales are divided by the stored global scale first.
#pragma once

#include "generic.cuh"

namespace quantize {

// The codes of up to eight weights from `column` on, `bits` bits each from the lowest one on.
__device__ __forceinline__ unsigned long long load_codes(const unsigned char* row, int column, int count, int bits) {
  const unsigned char* from = row + column / 8 * bits;
  if (count == 8 && (reinterpret_cast<uintptr_t>(from) & (bits - 1)) == 0) {
    if (bits == 8) return *reinterpret_cast<const unsigned long long*>(from);
    if (bits == 4) return *reinterpret_cast<const uint32_t*>(from);
  }
  unsigned long long codes = 0;
  const int bytes = (count * bits + 7) / 8;
#pragma unroll 1
  for (int i = 0; i < bytes; i++) codes |= static_cast<unsigned long long>(from[i]) << 8 * i;
  return codes;
}

// One of them; two's complement for integers.
__device__ __forceinline__ uint32_t code_of(unsigned long long codes, int index, int bits, const Scheme& scheme) {
  const uint32_t code = static_cast<uint32_t>(codes >> index * bits) & ((1u << bits) - 1u);
  return (scheme.storage & kBiased) ? (code - (1u << (bits - 1))) & 0xFFu : code;
}

// The zero point of a group; packed ones lie as a bit stream down each column.
__device__ __forceinline__ float zero_point_at(const Matrix& matrix, const Scheme& scheme, const Grid& grid, int row,
                                               int column) {
  if (matrix.zero_points == nullptr) return 0.0f;
  if (!scheme.packed()) return static_cast<float>(matrix.zero_points[grid.index(row, column)]);
  const long long bit = static_cast<long long>(row) * scheme.bits;
  const uint32_t* word = reinterpret_cast<const uint32_t*>(matrix.zero_points) + (bit >> 5) * grid.groups +
                         column / grid.columns;
  const int shift = static_cast<int>(bit & 31);
  uint32_t code = word[0] >> shift;
  if (shift + scheme.bits > 32) code |= word[grid.groups] << (32 - shift);
  return static_cast<float>(static_cast<int>(code & ((1u << scheme.bits) - 1u)) - (1 << (scheme.bits - 1)));
}

template <typename T>
__device__ __forceinline__ float factor_at(const Matrix& matrix, const Scheme& scheme, long long index) {
  if (scheme.storage & kFloatScale) return Fp32::at(matrix.scales, index);
  if (!(scheme.storage & kByteScale)) return T::at(matrix.scales, index);
  if (matrix.tensor == nullptr) return numbers::e8m0_to_float(matrix.scales[index]);
  return __fdiv_rn(numbers::e4m3_to_float(matrix.scales[index]), matrix.tensor[0]);
}

// One thread for eight weights of a row. Grid (ceil(columns / 8 / block), rows). `out` is [rows, columns] of type T.
template <typename T>
__device__ __forceinline__ void dequantize(const Matrix& matrix, unsigned char* out, const Scheme& scheme,
                                           const Grid& grid) {
  reduce::release_successor();
  reduce::wait_for_predecessor();
  const int column = (blockIdx.x * blockDim.x + threadIdx.x) * 8;
  if (column >= matrix.columns) return;
  const int count = min(8, matrix.columns - column);
  const int bits = scheme.packed() ? scheme.bits : 8;
  const bool one_group = column / grid.columns == (column + count - 1) / grid.columns;
  const long long row_bytes = scheme.row_bytes(matrix.columns);
  for (int row = blockIdx.y; row < matrix.rows; row += gridDim.y) {
    const unsigned long long codes = load_codes(matrix.codes + row * row_bytes, column, count, bits);
    unsigned char* to = out + (static_cast<long long>(row) * matrix.columns + column) * T::kBytes;
    float factor = factor_at<T>(matrix, scheme, grid.index(row, column));
    float zero_point = zero_point_at(matrix, scheme, grid, row, column);
    if (count == 8 && one_group && (reinterpret_cast<uintptr_t>(to) & 15) == 0) {
      float values[8];
#pragma unroll
      for (int i = 0; i < 8; i++) {
        float value = value_of(code_of(codes, i, bits, scheme), scheme);
        values[i] = T::round(__fmul_rn(__fsub_rn(value, zero_point), factor));
      }
      store_weights<T>(to, values);
      continue;
    }
#pragma unroll 1
    for (int i = 0; i < count; i++) {
      factor = factor_at<T>(matrix, scheme, grid.index(row, column + i));
      zero_point = zero_point_at(matrix, scheme, grid, row, column + i);
      float value = value_of(code_of(codes, i, bits, scheme), scheme);
      T::put(to, i, T::round(__fmul_rn(__fsub_rn(value, zero_point), factor)));
    }
  }
}

}  // namespace quantize
