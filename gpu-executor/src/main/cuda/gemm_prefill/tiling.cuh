// The tiled operand of the prefill GEMM, and the kernel that makes it from a row-major matrix.
//
// A matrix [rows, K] is cut into blocks of 128 rows x 128 bytes of K, filled with zeros at its ends. Block (r, b) of rows 128 r
// and bytes 128 b lies at (r * ceil(K bytes / 128) + b) * 16384: the K range of 128 rows is one stream. Inside, row i has its
// 16-byte chunk c at 128 i + 16 (c ^ (i & 7)): the 128-byte swizzle of wgmma, so that any group of 8 rows is a contiguous 1024
// bytes. A kernel that produces activations can write this layout itself: 16 bytes at
// to + (row / 128 * blocks + byte / 128) * 16384 + row % 128 * 128 + ((byte / 16 % 8) ^ (row % 8)) * 16.
#pragma once

#include <cstdint>

namespace gemm_prefill {

constexpr int kRows = 128;
constexpr int kRowBytes = 128;
constexpr int kBlockBytes = kRows * kRowBytes;
constexpr int kTileThreads = 256;

// Grid (ceil(row_bytes / 128), ceil(rows / 128)). up: null, or rows 2 i and 2 i + 1 of the result are rows i of `from` and of `up`.
__device__ __forceinline__ void tile_rows(const uint8_t* from, const uint8_t* up, uint8_t* to, int rows, long long row_bytes) {
  const long long first_row = static_cast<long long>(blockIdx.y) * kRows;
  const long long first_byte = static_cast<long long>(blockIdx.x) * kRowBytes;
  uint4* block = reinterpret_cast<uint4*>(to + (static_cast<long long>(blockIdx.y) * gridDim.x + blockIdx.x) * kBlockBytes);
  constexpr int kEach = kBlockBytes / 16 / kTileThreads;
  uint4 value[kEach];
#pragma unroll
  for (int i = 0; i < kEach; i++) {
    const int at = i * kTileThreads + static_cast<int>(threadIdx.x);
    const long long row = first_row + at / 8, byte = first_byte + at % 8 * 16;
    const uint8_t* at_row = up == nullptr ? from + row * row_bytes : (row % 2 == 0 ? from : up) + row / 2 * row_bytes;
    value[i] = row < rows && byte < row_bytes ? *reinterpret_cast<const uint4*>(at_row + byte) : uint4{};
  }
#pragma unroll
  for (int i = 0; i < kEach; i++) {
    const int at = i * kTileThreads + static_cast<int>(threadIdx.x), row = at / 8;
    block[row * 8 + (at % 8 ^ (row & 7))] = value[i];
  }
}

}  // namespace gemm_prefill
