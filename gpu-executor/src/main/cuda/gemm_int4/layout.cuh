// The tiled int4 weights: byte layout, and the kernel that makes it from compressed-tensors' pack-quantized tensors.
//
// W [N, K] is cut into blocks of 128 rows x 128 columns; the last ones are filled with zeros. Block (r, b) of rows 128 r and
// columns 128 b lies at byte (r * ceil(K / 128) + b) * block_bytes, so that the K range of a row of blocks is one stream:
//
//   codes        8192 bytes: words [warpgroup 0..1][half 0..1][thread 0..127][4], little endian. Word j = 4 half + i of thread t
//                of warpgroup v holds 8 codes of the tile rows 64 v + 16 (t / 32) + 2 ((t % 32) / 4) + h, h = 0, 1 (see below).
//   scales       128 / G groups x 128 rows x 2 bytes, in the type of the model (bf16, fp16), G = 32, 64 or 128
//   zero points  only asymmetric: 128 / G groups x 128 rows x 1 byte, z + 8 (0..15)
//
// 16-bit activations: word j is the A fragment of columns 16 j .. 16 j + 15. With c = t % 4, nibble 2 p + h is column
// 16 j + 8 p + 2 c and nibble 4 + 2 p + h the column after it, as q + 8 (0..15).
//
// e4m3 activations: word j = 2 s + p covers columns 32 s + 16 p + 4 c + i, i = 0..3, as sign and magnitude, where a negative
// code keeps magnitude - 1 so that -8 fits. Row h = 0 has its sign in bit 8 i + 7 and its magnitude in bits 8 i .. 8 i + 2; row
// h = 1 has them there after the word is rotated left by 4.
//
// A wgmma row g of a warp's 16 is tile row 2 g, and row g + 8 is 2 g + 1: a thread owns neighbouring outputs.
#pragma once

#include <cstdint>

namespace gemm_int4 {

constexpr int kTile = 128;                        // rows and columns of a block
constexpr int kCodeBytes = kTile * kTile / 2;
constexpr int kTileThreads = 256;

__host__ __device__ constexpr int scale_bytes(int group) { return kTile / group * kTile * 2; }
__host__ __device__ constexpr int zero_bytes(int group) { return kTile / group * kTile; }
__host__ __device__ constexpr int block_bytes(int group, bool asymmetric) {
  return kCodeBytes + scale_bytes(group) + (asymmetric ? zero_bytes(group) : 0);
}

// What the checkpoint holds: codes q + 8 in 4 bits, eight a word along K; scales [N, K / G] or [N, 1] (row_scale); zero points
// z + 8, eight a word along N, [ceil(N / 8), K / G] or [ceil(N / 8), 1], null when symmetric.
struct PackedWeights {
  const uint32_t* codes;
  const uint16_t* scales;
  const uint32_t* zeros;
  int n, k, group;
  bool row_scale;
  // With a second matrix, its rows and those of the first take turns; n counts both.
  const uint32_t* up_codes = nullptr;
  const uint16_t* up_scales = nullptr;
  const uint32_t* up_zeros = nullptr;

  __device__ int groups() const { return row_scale ? 1 : k / group; }
  __device__ bool is_up(int row) const { return up_codes != nullptr && row % 2 == 1; }
  __device__ long long row_of(int row) const { return up_codes == nullptr ? row : row / 2; }

  // The code q; 0 outside.
  __device__ int code(int row, int column) const {
    if (row >= n || column >= k) return 0;
    const uint32_t word = (is_up(row) ? up_codes : codes)[row_of(row) * (k / 8) + column / 8];
    return static_cast<int>(word >> (column % 8 * 4) & 15) - 8;
  }

  __device__ uint16_t scale(int row, int column) const {
    if (row >= n || column >= k) return 0;
    return (is_up(row) ? up_scales : scales)[row_of(row) * groups() + (row_scale ? 0 : column / group)];
  }

  // z + 8.
  __device__ uint8_t zero(int row, int column) const {
    if (row >= n || column >= k) return 8;
    const long long from = row_of(row);
    const uint32_t word = (is_up(row) ? up_zeros : zeros)[from / 8 * groups() + (row_scale ? 0 : column / group)];
    return static_cast<uint8_t>(word >> (from % 8 * 4) & 15);
  }
};

// Word j of thread t (0..255 over both warpgroups) for 16-bit activations; row and column are the block's first.
__device__ inline uint32_t tile_word_16(const PackedWeights& from, int row, int column, int t, int j) {
  const int first = row + t / 32 * 16 + t % 32 / 4 * 2;
  uint32_t word = 0;
  for (int nibble = 0; nibble < 8; nibble++) {
    const int h = nibble & 1, p = nibble >> 1 & 1, odd = nibble >> 2;
    const int q = from.code(first + h, column + 16 * j + 8 * p + t % 4 * 2 + odd);
    word |= static_cast<uint32_t>(q + 8) << (4 * nibble);
  }
  return word;
}

__device__ inline uint32_t tile_word_8(const PackedWeights& from, int row, int column, int t, int j) {
  const int first = row + t / 32 * 16 + t % 32 / 4 * 2;
  uint32_t halves[2] = {0, 0};
  for (int h = 0; h < 2; h++) {
    for (int i = 0; i < 4; i++) {
      const int q = from.code(first + h, column + 16 * j + t % 4 * 4 + i);
      const uint32_t byte = q < 0 ? 0x80u | static_cast<uint32_t>(-q - 1) : static_cast<uint32_t>(q);
      halves[h] |= byte << (8 * i);
    }
  }
  return halves[0] | (halves[1] >> 4 | halves[1] << 28);
}

// Block (x, y) of the grid writes the weights' block of rows 128 y, columns 128 x.
__device__ inline void tile(const PackedWeights& from, uint8_t* tiled, bool e4m3_codes) {
  const bool asymmetric = from.zeros != nullptr;
  const long long block = static_cast<long long>(blockIdx.y) * gridDim.x + blockIdx.x;
  uint8_t* to = tiled + block * block_bytes(from.group, asymmetric);
  const int row = static_cast<int>(blockIdx.y) * kTile, column = static_cast<int>(blockIdx.x) * kTile;
  const int t = static_cast<int>(threadIdx.x);
  for (int j = 0; j < 8; j++) {
    const uint32_t word = e4m3_codes ? tile_word_8(from, row, column, t, j) : tile_word_16(from, row, column, t, j);
    reinterpret_cast<uint32_t*>(to)[((t / 128 * 2 + j / 4) * 128 + t % 128) * 4 + j % 4] = word;
  }
  uint16_t* scales = reinterpret_cast<uint16_t*>(to + kCodeBytes);
  uint8_t* zeros = to + kCodeBytes + scale_bytes(from.group);
  for (int i = t; i < kTile / from.group * kTile; i += kTileThreads) {
    const int at_row = row + i % kTile, at_column = column + i / kTile * from.group;
    scales[i] = from.scale(at_row, at_column);
    if (asymmetric) zeros[i] = from.zero(at_row, at_column);
  }
}

}  // namespace gemm_int4
