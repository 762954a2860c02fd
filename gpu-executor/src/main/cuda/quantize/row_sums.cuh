// Statistics where groups are whole octets: the sums of statistics.cuh, in the same order, several times as fast.
//
// The order is a chain of additions for each of eight lanes of a row, but what is added does not depend on it. So a warp
// takes turns: all its threads find squares and errors of the next columns, one octet a step, and leave them in shared
// memory; then eight threads a row add them up, one a lane. A warp has four rows, or one where there are so few rows that
// the multiprocessors would stand idle. Nothing waits for another warp.
//
// Octets of groups that need care count as zeros in the chains, which changes no sum, and are added by one thread. What is
// rare is kept out of line.
#pragma once

#include "errors.cuh"
#include "statistics.cuh"

namespace quantize {

constexpr int kSumThreads = 128;
constexpr int kSumOctets = 4;  // of a thread in one turn
// Floats of a warp: eight lanes times the octets of a turn, in rows and halves of octets that begin in other banks.
constexpr int kSumFloats = 32 * kSumOctets * 8 + 8 * 4;

// Where the squares and errors of a turn lie: [row][half of an octet][octet][4].
struct Turn {
  float* squares;
  float* errors;

  __device__ __forceinline__ void put(int at, int half, const float (&square)[8], const float (&error)[8]) const {
#pragma unroll
    for (int i = 0; i < 2; i++) {
      *reinterpret_cast<float4*>(squares + at + i * half) =
          make_float4(square[4 * i], square[4 * i + 1], square[4 * i + 2], square[4 * i + 3]);
      *reinterpret_cast<float4*>(errors + at + i * half) =
          make_float4(error[4 * i], error[4 * i + 1], error[4 * i + 2], error[4 * i + 3]);
    }
  }

  __device__ __forceinline__ void put_zeros(int at, int half) const {
    const float zeros[8] = {};
    put(at, half, zeros, zeros);
  }
};

// An octet whose codes are found weight by weight. What is not finite counts as zero. Gives the largest error, as bits, and
// how many positions clip.
template <typename T>
__device__ __noinline__ uint2 put_one_by_one(Octet<T> octet, float4 record, Scheme scheme, Turn turn, int at, int half) {
  const Scale scale = {record.x, record.y, record.z, 0};
  float weights[8], square[8], error[8];
  unpack<T>(octet, weights);
  uint2 found = make_uint2(0, 0);
#pragma unroll
  for (int i = 0; i < 8; i++) {
    const bool counts = numbers::is_finite(weights[i]);
    const float position = position_of<T>(weights[i], scale, scheme);
    square[i] = counts ? __fmul_rn(weights[i], weights[i]) : 0.0f;
    error[i] = counts ? fabsf(__fsub_rn(weights[i], dequantized<T>(position, scale, scheme))) : 0.0f;
    found.x = max(found.x, __float_as_uint(error[i]));
    found.y += counts && clips(position, scheme);
  }
  turn.put(at, half, square, error);
  return found;
}

// Adds weights of columns [begin, end) that need care, or all of them. `records` are those of the row.
template <typename T>
__device__ __noinline__ Sums add_careful(Sums sums, const unsigned char* weights, const float4* records, Scheme scheme,
                                         int group, int begin, int end, bool all) {
#pragma unroll 1
  for (int column = begin; column < end; column++) {
    const float4 record = records[all ? 0 : column / group];
    if (!all && (__float_as_int(record.w) & kCare) == 0) continue;
    add_carefully<T>(sums, T::at(weights, column), {record.x, record.y, record.z, 0}, scheme);
  }
  return sums;
}

// One warp: `kRows` rows.
template <typename T, int kRows>
struct RowSums {
  static constexpr int kThreads = 32 / kRows;          // that work on a row
  static constexpr int kTurn = kThreads * kSumOctets;  // octets of a row in one turn
  static constexpr int kHalf = kTurn * 4 + 4;          // floats between the halves of octets

  const Matrix& matrix;
  const Scheme& scheme;
  const Grid& grid;
  Turn turn;
  const unsigned char* weights;  // of the row
  const float4* of_row;          // its records
  int shift;                     // log2 of the columns of a group, negative where that is no whole number

  Octet<T> next[kSumOctets];
  float4 records[kSumOctets];
  Sums sums;
  uint32_t largest;  // magnitudes of weights, as the type has them

  __device__ __forceinline__ int lane() const { return threadIdx.x % 32; }

  __device__ __forceinline__ void fetch(int begin) {
#pragma unroll
    for (int i = 0; i < kSumOctets; i++) {
      const int column = 8 * (begin + i * kThreads + lane() % kThreads);
      const bool inside = column < matrix.columns;
      next[i] = inside ? load_octet<T>(weights, column) : zero_octet<T>();
      const int group = shift >= 0 ? column >> shift : column / grid.columns;
      records[i] = inside ? of_row[group] : make_float4(1.0f, 1.0f, 0.0f, 0.0f);
    }
  }

  // Squares and errors of the octets that were fetched. True where some need care.
  template <class K>
  __device__ __forceinline__ bool find() {
    bool careful = false;
#pragma unroll
    for (int i = 0; i < kSumOctets; i++) {
      const int flags = __float_as_int(records[i].w);
      const int at = lane() / kThreads * (2 * kHalf) + (i * kThreads + lane() % kThreads) * 4;
      if (flags & kCare) {
        careful = true;
        turn.put_zeros(at, kHalf);
        continue;
      }
      raise_amax(next[i]);
      if ((flags & kOneByOne) || (grid.rows == 0 && !range_of<T>(next[i]).finite())) {
        const uint2 found = put_one_by_one<T>(next[i], records[i], scheme, turn, at, kHalf);
        sums.largest = max(sums.largest, found.x);
        sums.clipped += found.y;
        continue;
      }
      float values[8], square[8], error[8];
      unpack<T>(next[i], values);
      errors_of<T, K>(next[i], scheme, records[i], values, error, sums.clipped);
#pragma unroll
      for (int j = 0; j < 8; j++) {
        sums.largest = max(sums.largest, __float_as_uint(error[j]));
        square[j] = __fmul_rn(values[j], values[j]);
      }
      turn.put(at, kHalf, square, error);
    }
    return careful;
  }

  __device__ __forceinline__ void raise_amax(const Octet<T>& octet) {
#pragma unroll
    for (int i = 0; i < T::kWords; i++) {
      if constexpr (T::kBytes == 2) {
        largest = T::larger(largest, octet.words[i] & 0x7FFF7FFFu);
      } else {
        largest = max(largest, octet.words[i] & 0x7FFFFFFFu);
      }
    }
  }

  // The largest magnitude of the row; NaN or infinite where one of its weights is.
  __device__ __forceinline__ float amax_of_row() const {
    float amax = __uint_as_float(largest);
    if constexpr (T::kBytes == 2) amax = max_nan(T::low(largest), T::high(largest));
    for (int offset = kThreads / 2; offset > 0; offset /= 2) amax = max_nan(amax, __shfl_xor_sync(kFullWarp, amax, offset));
    return amax;
  }

  __device__ __forceinline__ void add_turn() {
    const int owner = lane() / 8, chain = lane() % 8;
    if (owner >= kRows) return;
    const int at = owner * (2 * kHalf) + chain / 4 * kHalf + chain % 4;
#pragma unroll 16
    for (int octet = 0; octet < kTurn; octet++) {
      const float error = turn.errors[at + 4 * octet];
      sums.signal = __fadd_rn(sums.signal, turn.squares[at + 4 * octet]);
      sums.noise = __fadd_rn(sums.noise, __fmul_rn(error, error));
      sums.absolute = __fadd_rn(sums.absolute, error);
    }
  }

  template <class K>
  __device__ __forceinline__ void run() {
    const int octets = matrix.columns / 8;
    fetch(0);
#pragma unroll 1
    for (int begin = 0; begin < octets; begin += kTurn) {
      const bool careful = find<K>();
      if (begin + kTurn < octets) fetch(begin + kTurn);
      __syncwarp();
      add_turn();
      if (__any_sync(kFullWarp, careful) && lane() % kThreads == 0) {
        const int end = min(8 * (begin + kTurn), matrix.columns);
        sums = add_careful<T>(sums, weights, of_row, scheme, grid.columns, 8 * begin, end, false);
      }
      __syncwarp();
    }
  }

  // The sums of the row, to `out` from its first thread; null where the row is another warp's.
  __device__ __forceinline__ void finish(RowStatistics* out) {
    float amax = amax_of_row();
    if (grid.rows == 0 && needs_care(amax, amax <= kLargestFloat)) {
      // A row of a tensor that has one scale: known only now, and then for the whole row.
      sums = {};
      amax = 0.0f;
      if (lane() % kThreads == 0) {
        sums = add_careful<T>(sums, weights, of_row, scheme, grid.columns, 0, matrix.columns, true);
      }
    }
    __syncwarp();
    for (int offset = kThreads / 2; offset > 0; offset /= 2) {
      sums.largest = max(sums.largest, __shfl_xor_sync(kFullWarp, sums.largest, offset));
      sums.clipped += __shfl_xor_sync(kFullWarp, sums.clipped, offset);
    }
    const double signal = drain(sums.signal), noise = drain(sums.noise), absolute = drain(sums.absolute);
    if (lane() % kThreads != 0 || out == nullptr) return;
    *out = {__dadd_rn(sums.careful_signal, signal),
            __dadd_rn(sums.careful_noise, noise),
            __dadd_rn(sums.careful_absolute, absolute),
            __uint_as_float(sums.largest),
            fmaxf(sums.amax, amax),
            sums.non_finite,
            sums.clipped,
            {0, 0}};
  }
};

template <typename T, int kRows>
__device__ __forceinline__ void sums_of_warp(const Matrix& matrix, RowStatistics* out, const Scheme& scheme,
                                             const Grid& grid, float* shared) {
  const long long warp = static_cast<long long>(blockIdx.x) * (kSumThreads / 32) + threadIdx.x / 32;
  const long long asked = warp * kRows + threadIdx.x % 32 / RowSums<T, kRows>::kThreads;
  const int row = static_cast<int>(min(asked, static_cast<long long>(matrix.rows) - 1));
  RowSums<T, kRows> rows = {matrix, scheme, grid, {shared, shared + kSumFloats}};
  rows.weights = matrix.weights + static_cast<long long>(row) * matrix.columns * T::kBytes;
  rows.of_row = matrix.records + grid.index(row, 0);
  rows.shift = grid.groups == 1 ? 31 : (grid.columns & (grid.columns - 1)) == 0 ? __ffs(grid.columns) - 1 : -1;
  rows.sums = {};
  rows.largest = 0;
  with_kind<T>(scheme, [&](auto kind) { rows.template run<decltype(kind)>(); });
  rows.finish(asked < matrix.rows ? out + row : nullptr);
}

// Grid ceil(rows / rows_of_warp / 4), block kSumThreads. rows_of_warp: 4 or 1, with the same results.
template <typename T>
__device__ __forceinline__ void row_sums(const Matrix& matrix, RowStatistics* out, const Scheme& scheme, const Grid& grid,
                                         int rows_of_warp) {
  __shared__ __align__(16) float shared[kSumThreads / 32][2 * kSumFloats];
  reduce::release_successor();
  reduce::wait_for_predecessor();
  float* own = shared[threadIdx.x / 32];
  if (rows_of_warp == 1) sums_of_warp<T, 1>(matrix, out, scheme, grid, own);
  else sums_of_warp<T, 4>(matrix, out, scheme, grid, own);
}

}  // namespace quantize
