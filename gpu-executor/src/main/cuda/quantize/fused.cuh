// Scales and codes in one read of the weights, which stay in registers between the two.
// All three need rows of whole octets (columns a multiple of 8, addresses of 16), and packed rows of whole words without
// padding; the launcher takes generic.cuh where that does not hold. K is the contiguous axis throughout.
#pragma once

#include "codes.cuh"
#include "nvfp4.cuh"
#include "reduce.cuh"

namespace quantize {

// Codes of octets of one regular group.
template <typename T, int kCount>
__device__ __forceinline__ void codes_of_all(const Scheme& scheme, const Octet<T> (&held)[kCount], const Scale& scale,
                                             uint2 (&codes)[kCount]) {
  const float reciprocal = __frcp_rn(scale.operand);
  with_kind<T>(scheme, [&](auto kind) {
#pragma unroll
    for (int i = 0; i < kCount; i++) {
      codes[i] = codes_of<T, decltype(kind)>(held[i], scheme, scale.operand, reciprocal, scale.zero_point);
    }
  });
}

// Codes of an octet of a group that is not.
template <typename T>
__device__ __forceinline__ void store_one_by_one(const Matrix& matrix, const Scheme& scheme, const Scale& scale,
                                                 long long octet) {
  const uint2 codes[1] = {codes_one_by_one<T>(matrix, scheme, scale, 8 * octet, 8)};
  store_octets(matrix, scheme, codes, [octet](int) { return octet; });
}

// One scale a row. One block a row; a thread holds up to kRowOctets octets of it.
constexpr int kRowOctets = 4;

template <typename T>
__device__ __forceinline__ void quantize_row(const Matrix& matrix, const Scheme& scheme, Range* partial) {
  const int octets = matrix.columns / 8;
  const long long row = blockIdx.x;
  Octet<T> held[kRowOctets];
#pragma unroll
  for (int i = 0; i < kRowOctets; i++) {
    int octet = threadIdx.x + i * blockDim.x;
    held[i] = octet < octets ? load_octet<T>(matrix.weights, 8 * (row * octets + octet)) : zero_octet<T>();
  }
  bool finite;
  const Range range = range_of_block<T>(held, partial, finite);
  const Scale scale = choose<T>(scheme, range, matrix.tensor != nullptr ? matrix.tensor[0] : 1.0f);
  if (finite && is_regular(scheme, scale, range)) {
    uint2 codes[kRowOctets];
    codes_of_all<T>(scheme, held, scale, codes);
    store_octets(matrix, scheme, codes, [&](int i) {
      int octet = threadIdx.x + i * blockDim.x;
      return octet < octets ? row * octets + octet : -1;
    });
  } else {
    for (int octet = threadIdx.x; octet < octets; octet += blockDim.x) {
      store_one_by_one<T>(matrix, scheme, scale, row * octets + octet);
    }
  }
  if (threadIdx.x == 0) write_scale<T>(matrix, scheme, row, scale, flags_of(scheme, scale, range, finite));
}

// The usual schemes, known to the compiler: up to a third of the instructions look at the scheme.
__device__ constexpr Scheme fp8() { return {kCtSymmetric, kE4m3, 8, 0}; }
__device__ constexpr Scheme int8() { return {kCtSymmetric, kInteger, 8, 0}; }
__device__ constexpr Scheme int4() { return {kCtSymmetric, kInteger, 4, kPacked | kBiased}; }
__device__ constexpr Scheme mxfp4() { return {kCtMicroscaling, kE2m1, 4, kPacked | kByteScale}; }

template <typename T>
__device__ __forceinline__ void quantize_rows(const Matrix& matrix, const Scheme& scheme) {
  __shared__ Range partial[64];
  reduce::release_successor();
  reduce::wait_for_predecessor();
  if (T::kBytes == 2 && same(scheme, fp8())) quantize_row<T>(matrix, fp8(), partial);
  else if (T::kBytes == 2 && same(scheme, int8())) quantize_row<T>(matrix, int8(), partial);
  else quantize_row<T>(matrix, scheme, partial);
}

// One scale for `group` consecutive weights of a row, group a power of two from 8 to 256. Warps work alone: each takes 128
// octets, 4 a thread, and no barrier of the block stands between its reads and its codes. Neighbouring threads share a
// group, and a thread holds `kTogether` octets of it, so that few steps through shuffles find the range; the scales of all
// groups of the warp are then chosen side by side, one a thread.
constexpr int kGroupThreads = 256;
constexpr int kGroupBlocks = 4;  // that a multiprocessor holds
constexpr int kGroupOctets = 4;
constexpr int kWarpOctets = 32 * kGroupOctets;

// kWhole: no warp of the launch has fewer.
template <typename T, int kTogether, bool kWhole = false>
__device__ __forceinline__ void groups_of_warp(const Matrix& matrix, const Scheme& scheme, int group, float4* scales) {
  const long long octets = static_cast<long long>(matrix.rows) * (matrix.columns / 8);
  const long long first = (static_cast<long long>(blockIdx.x) * kGroupThreads + threadIdx.x / 32 * 32) * kGroupOctets;
  if (first >= octets) return;
  const int count = kWhole ? kWarpOctets : static_cast<int>(min(octets - first, static_cast<long long>(kWarpOctets)));
  // The octets of this warp alone.
  Matrix own = matrix;
  own.weights += first * 8 * T::kBytes;
  own.codes += first * (scheme.packed() ? scheme.bits : 8);
  const int lane = threadIdx.x % 32;
  const int shift = __ffs(group) - 4;  // a group has 2^shift octets
  const int threads = (1 << shift) / kTogether;
  // Octet i of this thread, counted from the first of the warp.
  const int start = (lane & -threads) * kTogether + (lane & (threads - 1));
  auto place = [&](int i) { return i / kTogether * (32 * kTogether) + start + i % kTogether * threads; };
  Octet<T> held[kGroupOctets];
#pragma unroll
  for (int i = 0; i < kGroupOctets; i++) {
    held[i] = place(i) < count ? load_octet<T>(own.weights, 8 * place(i)) : zero_octet<T>();
  }
#pragma unroll
  for (int part = 0; part < kGroupOctets; part += kTogether) {
    Extent<T> extent;
#pragma unroll
    for (int i = 0; i < kTogether; i++) extent.add(held[part + i]);
    Range range = extent.over_threads(threads);
    const bool finite = range.finite();
    if (__any_sync(kFullWarp, !finite)) {
      range = {0.0f, 0.0f};
#pragma unroll
      for (int i = 0; i < kTogether; i++) range = merge(range, finite_range_of<T>(held[part + i]));
      range = over_threads(range, threads);
    }
    if ((lane & (threads - 1)) == 0) {
      scales[place(part) >> shift] = make_float4(range.low, range.high, finite ? 1.0f : 0.0f, 0.0f);
    }
  }
  __syncwarp();
  const float factor = matrix.tensor != nullptr ? matrix.tensor[0] : 1.0f;
  for (int i = lane; i < count >> shift; i += 32) {
    const Range range = {scales[i].x, scales[i].y};
    const Scale scale = choose<T>(scheme, range, factor);
    const int flags = flags_of(scheme, scale, range, scales[i].z != 0.0f);
    const float reciprocal = flags & kOneByOne ? 0.0f : __frcp_rn(scale.operand);
    scales[i] = make_float4(scale.operand, reciprocal, scale.zero_point, 0.0f);
    write_scale<T>(matrix, scheme, (first >> shift) + i, scale, flags);
  }
  __syncwarp();
  uint2 codes[kGroupOctets];
  with_kind<T>(scheme, [&](auto kind) {
#pragma unroll
    for (int i = 0; i < kGroupOctets; i++) {
      const float4 scale = scales[place(i) >> shift];
      codes[i] = codes_of<T, decltype(kind)>(held[i], scheme, scale.x, scale.y, scale.z);
    }
  });
  bool irregular = false;
  store_octets(own, scheme, codes, [&](int i) {
    if (place(i) >= count) return -1;
    if (scales[place(i) >> shift].y != 0.0f) return place(i);
    irregular = true;
    return -1;
  });
  if (!irregular) return;
#pragma unroll 1
  for (int i = 0; i < kGroupOctets && place(i) < count; i++) {
    const float4 kept = scales[place(i) >> shift];
    if (kept.y == 0.0f) store_one_by_one<T>(own, scheme, {kept.x, 0.0f, kept.z, 0}, place(i));
  }
}

template <typename T>
__device__ __forceinline__ void quantize_groups(const Matrix& matrix, const Scheme& scheme, int group) {
  if constexpr (T::kBytes == 2) {
    if (nvfp4::usable(scheme, group)) {
      nvfp4::quantize_groups<T>(matrix, scheme);
      return;
    }
  }
  // Of a group: low, high, whether all are finite; then operand, reciprocal (0 where codes go one by one), zero point.
  __shared__ float4 scales[kGroupThreads * kGroupOctets];
  float4* of_warp = scales + threadIdx.x / 32 * kWarpOctets;
  reduce::release_successor();
  reduce::wait_for_predecessor();
  if constexpr (T::kBytes == 2) {
    const bool whole = static_cast<long long>(matrix.rows) * (matrix.columns / 8) % kWarpOctets == 0;
    if (whole && group == 128 && same(scheme, int4())) {
      groups_of_warp<T, 4, true>(matrix, int4(), 128, of_warp);
      return;
    }
    if (whole && group == 32 && same(scheme, mxfp4())) {
      groups_of_warp<T, 2, true>(matrix, mxfp4(), 32, of_warp);
      return;
    }
  }
  if (group >= 64) groups_of_warp<T, 4>(matrix, scheme, group, of_warp);
  else if (group == 32) groups_of_warp<T, 2>(matrix, scheme, group, of_warp);
  else groups_of_warp<T, 1>(matrix, scheme, group, of_warp);
}

// One scale for 128 x 128 weights. One block a tile: 16 threads a row of it, 32 rows at a time, 4 octets a thread. Grid
// (ceil(columns / 128), ceil(rows / 128)).
constexpr int kTile = 128;
constexpr int kTileThreads = 512;
constexpr int kTileBlocks = 2;  // that a multiprocessor holds
constexpr int kTileOctets = kTile * kTile / 8 / kTileThreads;

template <typename T>
__device__ __forceinline__ void quantize_tile(const Matrix& matrix, const Scheme& scheme, Range* partial) {
  const long long octets = matrix.columns / 8;
  const int column = blockIdx.x * (kTile / 8) + threadIdx.x % 16;
  const int first = blockIdx.y * kTile + threadIdx.x / 16;
  Octet<T> held[kTileOctets];
#pragma unroll
  for (int i = 0; i < kTileOctets; i++) {
    int row = first + kTileThreads / 16 * i;
    bool inside = row < matrix.rows && column < octets;
    held[i] = inside ? load_octet<T>(matrix.weights, 8 * (row * octets + column)) : zero_octet<T>();
  }
  bool finite;
  const Range range = range_of_block<T>(held, partial, finite);
  const Scale scale = choose<T>(scheme, range, 1.0f);
  if (finite && is_regular(scheme, scale, range)) {
    uint2 codes[kTileOctets];
    codes_of_all<T>(scheme, held, scale, codes);
    store_octets(matrix, scheme, codes, [&](int i) {
      int row = first + kTileThreads / 16 * i;
      return row < matrix.rows && column < octets ? row * octets + column : -1;
    });
  } else if (column < octets) {
#pragma unroll 1
    for (int row = first; row < min(matrix.rows, (first / kTile + 1) * kTile); row += kTileThreads / 16) {
      store_one_by_one<T>(matrix, scheme, scale, row * octets + column);
    }
  }
  if (threadIdx.x == 0) {
    long long index = static_cast<long long>(blockIdx.y) * gridDim.x + blockIdx.x;
    write_scale<T>(matrix, scheme, index, scale, flags_of(scheme, scale, range, finite));
  }
}

template <typename T>
__device__ __forceinline__ void quantize_blocks(const Matrix& matrix, const Scheme& scheme) {
  __shared__ Range partial[64];
  reduce::release_successor();
  reduce::wait_for_predecessor();
  if (T::kBytes == 2 && same(scheme, fp8())) quantize_tile<T>(matrix, fp8(), partial);
  else quantize_tile<T>(matrix, scheme, partial);
}

}  // namespace quantize
