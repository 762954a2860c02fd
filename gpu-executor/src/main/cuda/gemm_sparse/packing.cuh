// The kernel that packs a row-major 2:4 matrix (layout.cuh).
#pragma once

#include <cstdint>

#include "layout.cuh"

namespace gemm_sparse {

constexpr int kPackThreads = 256;

__device__ __forceinline__ uint32_t mask_of(bool a, bool b, bool c, bool d) {
  return (a ? 1u : 0u) | (b ? 2u : 0u) | (c ? 4u : 0u) | (d ? 8u : 0u);
}

// Four e4m3 numbers: the two kept ones in the low 16 bits.
__device__ __forceinline__ uint32_t two_of(uint32_t four, uint32_t nibble) {
  return ((four >> (8 * (nibble & 3u))) & 0xFFu) | ((four >> (8 * (nibble >> 2))) & 0xFFu) << 8;
}

// Four bf16 numbers: the two kept ones.
__device__ __forceinline__ uint32_t two_of(uint64_t four, uint32_t nibble) {
  return (static_cast<uint32_t>(four >> (16 * (nibble & 3u))) & 0xFFFFu) |
         (static_cast<uint32_t>(four >> (16 * (nibble >> 2))) & 0xFFFFu) << 16;
}

// A row's chunk: 32 bytes of W to 16 bytes of values, and a nibble a group. Returns the first group with more than two numbers, or -1.
template <int kBytes>
__device__ __forceinline__ int compress(const uint32_t (&from)[8], uint32_t (&to)[4], uint32_t& metadata) {
  int wrong = -1;
  metadata = 0;
#pragma unroll
  for (int i = 0; i < 8 / kBytes; i++) {
    uint32_t nibble;
    if constexpr (kBytes == 1) {
      const uint32_t four = from[i];
      nibble = kept(mask_of(four & 0x7Fu, four & 0x7F00u, four & 0x7F0000u, four & 0x7F000000u));
      to[i / 2] = i % 2 == 0 ? two_of(four, nibble) : to[i / 2] | two_of(four, nibble) << 16;
    } else {
      const uint32_t low = from[2 * i], high = from[2 * i + 1];
      nibble = kept(mask_of(low & 0x7FFFu, low & 0x7FFF0000u, high & 0x7FFFu, high & 0x7FFF0000u));
      to[i] = two_of(low | static_cast<uint64_t>(high) << 32, nibble);
    }
    if (nibble == 0 && wrong < 0) wrong = i;
    metadata |= nibble << (4 * i);
  }
  return wrong;
}

// Grid (ceil(row_bytes / 128), ceil(rows / 128)). first_wrong: the least place row * K + column of a group that is not 2:4 goes there
// where it is less than what stands there.
template <int kBytes>
__device__ __forceinline__ void pack(const uint8_t* from, uint8_t* to, int rows, long long row_bytes, unsigned long long* first_wrong) {
  uint8_t* block = to + (static_cast<long long>(blockIdx.y) * gridDim.x + blockIdx.x) * kPackedBytes<kBytes>;
#pragma unroll
  for (int i = 0; i < 2; i++) {
    const int at = i * kPackThreads + static_cast<int>(threadIdx.x), inside = at / 4, c = at % 4;
    const long long row = static_cast<long long>(blockIdx.y) * kRows + inside, byte = static_cast<long long>(blockIdx.x) * 128 + 32 * c;
    uint32_t four[8], two[4], metadata;
#pragma unroll
    for (int half = 0; half < 2; half++) {
      const bool there = row < rows && byte + 16 * half < row_bytes;
      const uint4 value = there ? *reinterpret_cast<const uint4*>(from + row * row_bytes + byte + 16 * half) : uint4{};
      four[4 * half] = value.x, four[4 * half + 1] = value.y, four[4 * half + 2] = value.z, four[4 * half + 3] = value.w;
    }
    const int wrong = compress<kBytes>(four, two, metadata);
    if (wrong >= 0) atomicMin(first_wrong, static_cast<unsigned long long>((row * row_bytes + byte) / kBytes + 4 * wrong));
    *reinterpret_cast<uint4*>(block + value_place(inside, c)) = make_uint4(two[0], two[1], two[2], two[3]);
    uint8_t* word = block + kRows * kValueBytes + metadata_place<kBytes>(inside, c);
    if constexpr (kBytes == 1) *reinterpret_cast<uint32_t*>(word) = metadata;
    else *reinterpret_cast<uint16_t*>(word) = static_cast<uint16_t>(metadata);
  }
}

}  // namespace gemm_sparse
