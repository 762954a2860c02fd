// Scales and codes in one read of the weights, which stay in registers between the two.
// All three need rows of whole octets (columns a multiple of 8, addresses of 16), and packed rows of whole words without
// padding; the launcher takes generic.cuh where that does not hold. K is the contiguous axis throughout.
#pragma once

#include "codes.cuh"
#include "reduce.cuh"

namespace quantize {

// Codes of octets of one regular group.
template <typename T, int kCount>
__device__ __forceinline__ void codes_of_all(const Scheme& scheme, const Octet<T> (&held)[kCount], const Scale& scale,
                                             uint2 (&codes)[kCount]) {
  const float reciprocal = __frcp_rn(scale.operand);
  with_kind(scheme, [&](auto kind) {
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
__device__ __forceinline__ void quantize_rows(const Matrix& matrix, const Scheme& scheme) {
  __shared__ Range partial[2][32];
  const int octets = matrix.columns / 8;
  const long long row = blockIdx.x;
  reduce::release_successor();
  reduce::wait_for_predecessor();
  Octet<T> held[kRowOctets];
#pragma unroll
  for (int i = 0; i < kRowOctets; i++) {
    int octet = threadIdx.x + i * blockDim.x;
    held[i] = octet < octets ? load_octet<T>(matrix.weights, 8 * (row * octets + octet)) : zero_octet<T>();
  }
  Range range = {0.0f, 0.0f};
#pragma unroll
  for (int i = 0; i < kRowOctets; i++) range = merge(range, range_of<T>(held[i]));
  range = over_block(range, partial[0]);
  const bool finite = range.finite();
  if (!finite) {
    range = {0.0f, 0.0f};
#pragma unroll
    for (int i = 0; i < kRowOctets; i++) range = merge(range, finite_range_of<T>(held[i]));
    range = over_block(range, partial[1]);
  }
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
  if (threadIdx.x == 0) write_scale<T>(matrix, scheme, row, scale, needs_care(range.amax(), finite));
}

// One scale for `group` consecutive weights of a row, group a power of two from 8 to 256: group / 8 neighbouring threads
// a group. A thread takes kGroupOctets octets, a block's width apart; in between, one thread chooses the scale of a group.
constexpr int kGroupThreads = 256;
constexpr int kGroupOctets = 4;

template <typename T>
__device__ __forceinline__ void quantize_groups(const Matrix& matrix, const Scheme& scheme, int group) {
  // Of a group: low, high, whether all are finite; then operand, reciprocal (0 when not regular), zero point.
  __shared__ float4 groups[kGroupThreads * kGroupOctets];
  const long long octets = static_cast<long long>(matrix.rows) * (matrix.columns / 8);
  const long long first = static_cast<long long>(blockIdx.x) * (kGroupThreads * kGroupOctets);
  const int threads = group / 8;
  reduce::release_successor();
  reduce::wait_for_predecessor();
  Octet<T> held[kGroupOctets];
#pragma unroll
  for (int i = 0; i < kGroupOctets; i++) {
    long long octet = first + i * kGroupThreads + threadIdx.x;
    held[i] = octet < octets ? load_octet<T>(matrix.weights, 8 * octet) : zero_octet<T>();
  }
#pragma unroll
  for (int i = 0; i < kGroupOctets; i++) {
    Range range = over_threads(range_of<T>(held[i]), threads);
    const bool finite = range.finite();
    if (__any_sync(kFullWarp, !finite)) range = over_threads(finite_range_of<T>(held[i]), threads);
    if (threadIdx.x % threads == 0) {
      groups[(i * kGroupThreads + threadIdx.x) / threads] = make_float4(range.low, range.high, finite ? 1.0f : 0.0f, 0.0f);
    }
  }
  __syncthreads();
  const float factor = matrix.tensor != nullptr ? matrix.tensor[0] : 1.0f;
  const long long left = (octets - first) / threads;
  for (int i = threadIdx.x; i < min(left, static_cast<long long>(kGroupThreads * kGroupOctets / threads)); i += kGroupThreads) {
    const Range range = {groups[i].x, groups[i].y};
    const bool finite = groups[i].z != 0.0f;
    const Scale scale = choose<T>(scheme, range, factor);
    const bool regular = finite && is_regular(scheme, scale, range);
    groups[i] = make_float4(scale.operand, regular ? __frcp_rn(scale.operand) : 0.0f, scale.zero_point, 0.0f);
    write_scale<T>(matrix, scheme, first / threads + i, scale, needs_care(range.amax(), finite));
  }
  __syncthreads();
  uint2 codes[kGroupOctets];
  with_kind(scheme, [&](auto kind) {
#pragma unroll
    for (int i = 0; i < kGroupOctets; i++) {
      const float4 scale = groups[(i * kGroupThreads + threadIdx.x) / threads];
      codes[i] = codes_of<T, decltype(kind)>(held[i], scheme, scale.x, scale.y, scale.z);
    }
  });
  bool irregular = false;
  store_octets(matrix, scheme, codes, [&](int i) {
    const int at = i * kGroupThreads + threadIdx.x;
    if (first + at >= octets) return -1ll;
    if (groups[at / threads].y != 0.0f) return first + at;
    irregular = true;
    return -1ll;
  });
  if (!irregular) return;
#pragma unroll 1
  for (int i = threadIdx.x; i < kGroupThreads * kGroupOctets && first + i < octets; i += kGroupThreads) {
    const float4 kept = groups[i / threads];
    if (kept.y == 0.0f) store_one_by_one<T>(matrix, scheme, {kept.x, 0.0f, kept.z, 0}, first + i);
  }
}

// One scale for 128 x 128 weights. One block a tile: 16 threads a row of it, 16 rows at a time, 8 octets a thread. Grid
// (ceil(columns / 128), ceil(rows / 128)).
constexpr int kTile = 128;
constexpr int kTileThreads = 256;
constexpr int kTileOctets = kTile * kTile / 8 / kTileThreads;

template <typename T>
__device__ __forceinline__ void quantize_blocks(const Matrix& matrix, const Scheme& scheme) {
  __shared__ Range partial[2][32];
  const long long octets = matrix.columns / 8;
  const int column = blockIdx.x * (kTile / 8) + threadIdx.x % 16;
  const int first = blockIdx.y * kTile + threadIdx.x / 16;
  reduce::release_successor();
  reduce::wait_for_predecessor();
  Octet<T> held[kTileOctets];
#pragma unroll
  for (int i = 0; i < kTileOctets; i++) {
    int row = first + 16 * i;
    bool inside = row < matrix.rows && column < octets;
    held[i] = inside ? load_octet<T>(matrix.weights, 8 * (row * octets + column)) : zero_octet<T>();
  }
  Range range = {0.0f, 0.0f};
#pragma unroll
  for (int i = 0; i < kTileOctets; i++) range = merge(range, range_of<T>(held[i]));
  range = over_block(range, partial[0]);
  const bool finite = range.finite();
  if (!finite) {
    range = {0.0f, 0.0f};
#pragma unroll
    for (int i = 0; i < kTileOctets; i++) range = merge(range, finite_range_of<T>(held[i]));
    range = over_block(range, partial[1]);
  }
  const Scale scale = choose<T>(scheme, range, 1.0f);
  if (finite && is_regular(scheme, scale, range)) {
    uint2 codes[kTileOctets];
    codes_of_all<T>(scheme, held, scale, codes);
    store_octets(matrix, scheme, codes, [&](int i) {
      int row = first + 16 * i;
      return row < matrix.rows && column < octets ? row * octets + column : -1;
    });
  } else if (column < octets) {
#pragma unroll 1
    for (int row = first; row < min(matrix.rows, (first / kTile + 1) * kTile); row += 16) {
      store_one_by_one<T>(matrix, scheme, scale, row * octets + column);
    }
  }
  if (threadIdx.x == 0) {
    long long index = static_cast<long long>(blockIdx.y) * gridDim.x + blockIdx.x;
    write_scale<T>(matrix, scheme, index, scale, needs_care(range.amax(), finite));
  }
}

}  // namespace quantize
