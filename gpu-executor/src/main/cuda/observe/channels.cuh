// Extremes and sums of channels, and histograms of magnitudes, as quant-lib's InputObserver makes them: sums in fp32 over 64 rows, row
// after row, then in fp64, 64 rows after 64 rows; bins by the upper 15 bits of a magnitude, which are its bf16 code.
#pragma once

#include <cstdint>

#include "numbers.cuh"
#include "reduce.cuh"

namespace observe {

constexpr int kSummedRows = 64;
constexpr int kBins = 255 * 128;                    // of finite magnitudes
constexpr int kFirstBin = 79 * 128, kNear = 8192;   // counted in shared memory: 2^-48 up to 2^16
constexpr int kAlignment = 16;                      // of pitches

__device__ __forceinline__ float read(const uint16_t* x, long long at) { return numbers::bf16_to_float(x[at]); }
__device__ __forceinline__ float read(const float* x, long long at) { return x[at]; }

// Of 64 rows from 64 * blockIdx.y on, a thread a channel: part [pieces, 4, pitch] holds smallest, largest, sums of |x| and of x^2.
template <typename T>
__device__ __forceinline__ void channels(float* part, const T* x, int rows, int pitch) {
  const int column = static_cast<int>(blockIdx.x) * static_cast<int>(blockDim.x) + static_cast<int>(threadIdx.x);
  const int first = static_cast<int>(blockIdx.y) * kSummedRows, end = min(rows, first + kSummedRows);
  if (column >= pitch) return;
  float smallest = INFINITY, largest = -INFINITY, absolute = 0, square = 0;
#pragma unroll 8
  for (int row = first; row < end; row++) {
    const float value = read(x, static_cast<long long>(row) * pitch + column);
    smallest = reduce::min_nan(smallest, value);
    largest = reduce::max_nan(largest, value);
    absolute = __fadd_rn(absolute, fabsf(value));
    square = __fmaf_rn(value, value, square);
  }
  float* to = part + static_cast<long long>(blockIdx.y) * 4 * pitch + column;
  to[0] = smallest;
  to[pitch] = largest;
  to[2 * pitch] = absolute;
  to[3 * pitch] = square;
}

// Counts magnitudes, and the largest of each of `k` of `pitch` channels a row; a warp a row. counts [2, kBins].
template <typename T>
__device__ __forceinline__ void histogram(unsigned long long* counts, const T* x, int rows, int k, int pitch) {
  __shared__ unsigned near[kNear];
  const int lane = static_cast<int>(threadIdx.x) % 32, warps = static_cast<int>(blockDim.x) / 32;
  for (int i = static_cast<int>(threadIdx.x); i < kNear; i += static_cast<int>(blockDim.x)) near[i] = 0;
  __syncthreads();
  unsigned zeros = 0;
  for (int row = static_cast<int>(blockIdx.x) * warps + static_cast<int>(threadIdx.x) / 32; row < rows; row += static_cast<int>(gridDim.x) * warps) {
    unsigned most = 0;
    for (int column = lane; column < k; column += 32) {
      const unsigned magnitude = numbers::bits_of(read(x, static_cast<long long>(row) * pitch + column)) & 0x7FFFFFFFu;
      most = max(most, magnitude);
      const int bin = static_cast<int>(magnitude >> 16), inner = bin - kFirstBin;
      if (inner >= 0 && inner < kNear) atomicAdd(&near[inner], 1u);
      else if (bin == 0) zeros++;
      else if (bin < kBins) atomicAdd(&counts[bin], 1ull);
    }
    for (int distance = 16; distance > 0; distance /= 2) most = max(most, __shfl_xor_sync(reduce::kFullWarp, most, distance));
    const int bin = static_cast<int>(most >> 16);
    if (lane == 0 && bin < kBins) atomicAdd(&counts[kBins + bin], 1ull);
  }
  for (int distance = 16; distance > 0; distance /= 2) zeros += __shfl_xor_sync(reduce::kFullWarp, zeros, distance);
  if (lane == 0 && zeros > 0) atomicAdd(&counts[0], static_cast<unsigned long long>(zeros));
  __syncthreads();
  for (int i = static_cast<int>(threadIdx.x); i < kNear; i += static_cast<int>(blockDim.x)) {
    if (near[i] != 0) atomicAdd(&counts[kFirstBin + i], static_cast<unsigned long long>(near[i]));   // whole numbers: any order
  }
}

// Rows [rows, k] to [rows, pitch], zeros behind; with `weight` [k] through RMSNorm as transformers computes it: x / root rounded, then
// times the weight, rounded. A block a row; sums in fp64.
template <typename T>
__device__ __forceinline__ void arrange(T* y, int pitch, const T* x, int k, const float* weight, float epsilon) {
  __shared__ double parts[32];
  const long long row = blockIdx.x;
  double root = 1;
  if (weight != nullptr) {
    double squares = 0;
    for (int i = static_cast<int>(threadIdx.x); i < k; i += static_cast<int>(blockDim.x)) {
      const double value = read(x, row * k + i);
      squares += value * value;
    }
    for (int distance = 16; distance > 0; distance /= 2) squares += __shfl_xor_sync(reduce::kFullWarp, squares, distance);
    if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = squares;
    __syncthreads();
    squares = 0;
    for (int i = 0; i < static_cast<int>(blockDim.x) / 32; i++) squares += parts[i];
    root = sqrt(squares / k + epsilon);
  }
  for (int i = static_cast<int>(threadIdx.x); i < pitch; i += static_cast<int>(blockDim.x)) {
    if (weight == nullptr || i >= k) {
      y[row * pitch + i] = i < k ? x[row * k + i] : T{};
      continue;
    }
    float one = static_cast<float>(read(x, row * k + i) / root);
    if constexpr (sizeof(T) == 2) {
      one = numbers::round_bf16(one);
      y[row * pitch + i] = numbers::float_to_bf16(static_cast<float>(static_cast<double>(one) * weight[i]));
    } else {
      y[row * pitch + i] = static_cast<float>(static_cast<double>(one) * weight[i]);
    }
  }
}

// Largest magnitudes of the heads from `first` on: amax [heads] as bits, which grow with the number. Grid (heads, pieces of rows).
template <typename T>
__device__ __forceinline__ void heads(unsigned* amax, const T* x, int rows, int row_elements, int first, int dimension) {
  const long long at = first + static_cast<long long>(blockIdx.x) * dimension;
  unsigned most = 0;
  for (int row = static_cast<int>(blockIdx.y); row < rows; row += static_cast<int>(gridDim.y)) {
    for (int i = static_cast<int>(threadIdx.x); i < dimension; i += static_cast<int>(blockDim.x)) {
      most = max(most, numbers::bits_of(read(x, static_cast<long long>(row) * row_elements + at + i)) & 0x7FFFFFFFu);
    }
  }
  for (int distance = 16; distance > 0; distance /= 2) most = max(most, __shfl_xor_sync(reduce::kFullWarp, most, distance));
  if (threadIdx.x % 32 == 0) atomicMax(&amax[blockIdx.x], most);
}

}  // namespace observe
