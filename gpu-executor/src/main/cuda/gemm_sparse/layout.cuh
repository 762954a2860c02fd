// The packed 2:4 operand: sizes and places, for the kernels and for the host.
//
// W [rows, K], at most two of each four neighbours of K are not zero, is cut into blocks of 128 rows x 128 bytes of K, filled with
// zeros at its ends. Block (r, b) lies at (r * ceil(K bytes / 128) + b) * kPackedBytes: the values of 128 rows, 64 bytes a row, then
// metadata.
// Row 32 w + 4 g + 2 s + h of the block is row 16 w + g + 8 h of instruction s (w < 4, g < 8, s < 2, h < 2), so that a thread's sums of
// both instructions are of four neighbouring rows. An instruction's rows lie 64 bytes apart; row i has its 16-byte chunk c at
// 64 i + 16 (c ^ (i / 2 % 4)): the 64-byte swizzle of wgmma.
// Metadata: the words of a thread of the warpgroup (mma.cuh), of instruction s and step k: word 2 s + k of 4 (e4m3), word s of 2
// (bf16: step k is in the threads that selector k reads).
// A group of four with fewer than two numbers keeps its lowest zeros.
#pragma once

#include <cstdint>

#include "../gemm_prefill/tiling.cuh"

namespace gemm_sparse {

constexpr int kRows = gemm_prefill::kRows;
constexpr int kWarpgroups = 2;                               // of a block, 128 rows of W each
constexpr int kTileRows = 2 * kWarpgroups * kRows;           // of W, of a cluster of two blocks
constexpr int kValueBytes = 64;   // of a row in a block

template <int kBytes>
constexpr int kWords = 4 / kBytes;   // of metadata a thread and block
template <int kBytes>
constexpr int kPackedBytes = kRows * kValueBytes + 128 * 4 * kWords<kBytes>;

// Where 16 bytes of values of row `row` of a block lie, from its begin: chunk of 4.
__device__ __forceinline__ int value_place(int row, int chunk) {
  const int s = row % 4 / 2, line = 16 * (row / 32) + row % 32 / 4 + 8 * (row % 2);
  return s * (kRows / 2 * kValueBytes) + line * kValueBytes + (chunk ^ (line / 2 % 4)) * 16;
}

// Where the metadata of those values lies, from the begin of a block's metadata: 4 bytes (e4m3) or 2.
template <int kBytes>
__device__ __forceinline__ int metadata_place(int row, int chunk) {
  const int s = row % 4 / 2, h = row % 2, quad = 32 * (row / 32) + 4 * (row % 32 / 4);
  return kBytes == 1 ? ((quad + 2 * (chunk % 2) + h) * 4 + 2 * s + chunk / 2) * 4
                     : ((quad + 2 * (chunk / 2) + chunk % 2) * 2 + s) * 4 + 2 * h;
}

// The kept positions of four numbers, of which those in the mask are not zero, as a nibble; 0 if these are more than two.
// Of each mask: 0 to 3: 01, 4, 5: 02, 6: 12, 8, 9: 03, a: 13, c: 23.
__device__ __forceinline__ uint32_t kept(uint32_t mask) {
  return static_cast<uint32_t>(0x000E0DCC09884444ull >> (4 * mask)) & 15u;
}

}  // namespace gemm_sparse
