// Log-probability of one token a row, and whether it is the most likely one.
#pragma once

#include <climits>

#include "reduce.cuh"

namespace layer {

constexpr int kSoftmaxThreads = 512;

__device__ __forceinline__ float exp_of_difference(float x, float base) {
  return reduce::exp2_fast(__fmul_rn(__fsub_rn(x, base), reduce::kLog2E));
}

__device__ __forceinline__ float to_float(float value) { return value; }
__device__ __forceinline__ float to_float(__nv_bfloat16 value) { return __bfloat162float(value); }

// Eight logits as they lie in memory.
template <class T>
struct alignas(16) Chunk {
  T logit[8];
};

// The logits of a row from column 8 * chunk on; -inf behind the end. A row whose length is no multiple of 8 has no aligned
// vectors: the same chunks are read one by one, so the order of the sum does not depend on the alignment.
template <class T, bool kAligned>
__device__ __forceinline__ Chunk<T> load_chunk(const T* row, int chunk, int vocabulary) {
  Chunk<T> loaded;
  const T missing = static_cast<T>(-INFINITY);
  const int column = 8 * chunk;
  if (kAligned && column < vocabulary) {
    constexpr int kVectors = sizeof(loaded) / sizeof(uint4);
    uint4 vectors[kVectors];
#pragma unroll
    for (int i = 0; i < kVectors; i++) vectors[i] = reinterpret_cast<const uint4*>(row + column)[i];
    memcpy(&loaded, vectors, sizeof(loaded));
    return loaded;
  }
#pragma unroll
  for (int i = 0; i < 8; i++) loaded.logit[i] = !kAligned && column + i < vocabulary ? row[column + i] : missing;
  return loaded;
}

// The largest logit that a thread has seen, its first column, and the sum of exp(x - largest).
struct Running {
  float largest = -INFINITY;
  float sum = 0.0f;
  int column = INT_MAX;

  template <class T>
  __device__ __forceinline__ void take(const Chunk<T>& chunk, int first_column) {
    float values[8];
#pragma unroll
    for (int i = 0; i < 8; i++) values[i] = to_float(chunk.logit[i]);
    float top = values[0];
#pragma unroll
    for (int i = 1; i < 8; i++) top = fmaxf(top, values[i]);
    if (top > largest) {
      sum = __fmul_rn(sum, exp_of_difference(largest, top));
      largest = top;
#pragma unroll
      for (int i = 7; i >= 0; i--) {
        if (values[i] == top) column = first_column + i;
      }
    }
    const float base = largest == -INFINITY ? 0.0f : largest;
#pragma unroll
    for (int i = 0; i < 8; i++) sum = __fadd_rn(sum, exp_of_difference(values[i], base));
  }
};

template <class T, bool kAligned>
__device__ __forceinline__ Running scan(const T* row, int vocabulary) {
  constexpr int kInFlight = kAligned ? 8 / sizeof(T) : 1;
  const int chunks = (vocabulary + 7) / 8;
  Running running;
  for (int at = threadIdx.x; at < chunks; at += kInFlight * kSoftmaxThreads) {
    Chunk<T> loaded[kInFlight];
#pragma unroll
    for (int i = 0; i < kInFlight; i++) {
      loaded[i] = load_chunk<T, kAligned>(row, at + i * kSoftmaxThreads, vocabulary);
    }
#pragma unroll
    for (int i = 0; i < kInFlight; i++) {
      const int chunk = at + i * kSoftmaxThreads;
      if (chunk < chunks) running.take(loaded[i], 8 * chunk);
    }
  }
  return running;
}

// One block a row.
template <class T>
__device__ __forceinline__ void log_softmax_gather(const T* logits, const int* targets, float* log_probabilities,
                                                   int* is_greedy, int* greedy, int vocabulary) {
  __shared__ float scratch[2][32];
  __shared__ int columns[32];
  reduce::release_successor();
  reduce::wait_for_predecessor();
  const T* row = logits + static_cast<long long>(blockIdx.x) * vocabulary;
  Running running = vocabulary % 8 == 0 ? scan<T, true>(row, vocabulary) : scan<T, false>(row, vocabulary);
  const float largest = reduce::over_block<reduce::Max>(running.largest, scratch[0]);
  const float share = running.sum == 0.0f ? 0.0f : __fmul_rn(running.sum, exp_of_difference(running.largest, largest));
  const float sum = reduce::over_block<reduce::Sum>(share, scratch[1]);
  const int column = __reduce_min_sync(reduce::kFullWarp, running.largest == largest ? running.column : INT_MAX);
  if (threadIdx.x % 32 == 0) columns[threadIdx.x / 32] = column;
  __syncthreads();
  if (threadIdx.x != 0) return;
  int best = INT_MAX;
  for (int warp = 0; warp < kSoftmaxThreads / 32; warp++) best = min(best, columns[warp]);
  const int target = targets[blockIdx.x];
  const bool known = target >= 0 && target < vocabulary;
  const float logit = known ? to_float(row[target]) : __int_as_float(0x7FC00000);
  log_probabilities[blockIdx.x] = __fsub_rn(__fsub_rn(logit, largest), logf(sum));
  if (is_greedy != nullptr) is_greedy[blockIdx.x] = target == best;
  if (greedy != nullptr) greedy[blockIdx.x] = best == INT_MAX ? -1 : best;
}

}  // namespace layer
