// The next token of a row of logits: the likeliest, or one drawn by the inverse of the cumulative distribution in whole numbers.
#pragma once

#include <climits>

#include "philox.cuh"
#include "reduce.cuh"
#include "weight.cuh"

namespace sample {

constexpr int kThreads = 512;
constexpr int kWarps = kThreads / 32;
constexpr int kSegments = 256;
constexpr int kPivots = 7;
constexpr int kIdle = 1, kGreedy = 2, kForbids = 4;

struct Rule {
  uint64_t seed;
  uint64_t top_p;  // behind the binary point; 0: all
  int top_k;       // 0: all
  float scale;     // 1 / (temperature ln 2)
};

// What the threads of a block share.
struct Shared {
  float floats[32];
  int ints[kWarps];
  uint64_t sums[kPivots][kWarps];
  uint64_t segments[kSegments];
};

__device__ __forceinline__ uint64_t over_warp(uint64_t value) {
#pragma unroll
  for (int offset = 16; offset > 0; offset /= 2) value += __shfl_xor_sync(reduce::kFullWarp, value, offset);
  return value;
}

// Sums over the block, for all threads. Whole numbers: no order.
template <int kCount>
__device__ __forceinline__ void over_block(uint64_t (&values)[kCount], Shared& shared) {
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
#pragma unroll
  for (int i = 0; i < kCount; i++) {
    values[i] = over_warp(values[i]);
    if (lane == 0) shared.sums[i][warp] = values[i];
  }
  __syncthreads();
#pragma unroll
  for (int i = 0; i < kCount; i++) values[i] = over_warp(lane < kWarps ? shared.sums[i][lane] : 0);
  __syncthreads();
}

// Whether rows are read 16 bytes at a time.
__device__ __forceinline__ bool by_four(int vocabulary) { return vocabulary % 4 == 0; }

// use(column, logit) for all columns of a row, by the threads of a block; each thread's columns ascend. kAtATime readings are under way.
template <int kAtATime, typename Use>
__device__ __forceinline__ void over_row(const float* row, int vocabulary, const Use& use) {
  if (by_four(vocabulary)) {
    const float4* fours = reinterpret_cast<const float4*>(row);
#pragma unroll kAtATime
    for (int i = threadIdx.x; i < vocabulary / 4; i += kThreads) {
      const float4 four = fours[i];
      use(4 * i, four.x);
      use(4 * i + 1, four.y);
      use(4 * i + 2, four.z);
      use(4 * i + 3, four.w);
    }
  } else {
    for (int i = threadIdx.x; i < vocabulary; i += kThreads) use(i, row[i]);
  }
}

// The first column of the largest logit and that logit; INT_MAX where there is none.
__device__ __forceinline__ int likeliest(const float* row, int vocabulary, float& largest, Shared& shared) {
  float top = -INFINITY;
  int column = INT_MAX;
  over_row<4>(row, vocabulary, [&](int i, float logit) {
    if (logit > top) {
      top = logit;
      column = i;
    }
  });
  largest = reduce::over_block<reduce::Max>(top, shared.floats);
  const int first = __reduce_min_sync(reduce::kFullWarp, top == largest ? column : INT_MAX);
  if (threadIdx.x % 32 == 0) shared.ints[threadIdx.x / 32] = first;
  __syncthreads();
  int best = INT_MAX;
  for (int warp = 0; warp < kWarps; warp++) best = min(best, shared.ints[warp]);
  return best;
}

// The largest key at or above which there is so much; INT_MIN where there is less in all. By seven pivots at a time. kCounts:
// tokens of a weight above 0 are counted, else weights are added.
template <bool kCounts>
__device__ __forceinline__ int threshold(const float* row, int vocabulary, float largest, float scale, uint64_t wanted, Shared& shared) {
  long long low = INT_MIN, high = key(largest);
  while (low < high) {
    const long long width = (high - low + kPivots - 1) / kPivots;
    uint64_t sums[kPivots] = {};
    over_row<1>(row, vocabulary, [&](int, float logit) {
      const uint64_t value = weight(logit, largest, scale);
      const uint64_t amount = kCounts ? value != 0 : value;
      const long long above = key(logit) - low;
#pragma unroll
      for (int j = 0; j < kPivots; j++) sums[j] += above >= width * (j + 1) ? amount : 0;
    });
    over_block(sums, shared);
    int reached = 0;
#pragma unroll
    for (int j = 0; j < kPivots; j++) reached += sums[j] >= wanted;
    const long long begin = low + width * reached;
    high = min(high, reached == kPivots ? high : begin + width - 1);
    low = min(begin, high);
  }
  return static_cast<int>(low);
}

// The weight of a token if it stays.
__device__ __forceinline__ uint64_t kept(float logit, float largest, float scale, int least) {
  return key(logit) >= least ? weight(logit, largest, scale) : 0;
}

__device__ __forceinline__ uint64_t kept(const float* row, int i, int vocabulary, float largest, float scale, int least) {
  return i < vocabulary ? kept(row[i], largest, scale, least) : 0;
}

// Sums of the segments of a row, each of a whole number of warps' readings. Returns their length.
__device__ __forceinline__ int sum_segments(const float* row, int vocabulary, float largest, float scale, int least, Shared& shared) {
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, reading = by_four(vocabulary) ? 128 : 32;
  const int length = (vocabulary + reading * kSegments - 1) / (reading * kSegments) * reading;
  for (int segment = warp; segment < kSegments; segment += kWarps) {
    uint64_t sum = 0;
    if (reading == 128) {
#pragma unroll 2
      for (int i = segment * length + 4 * lane; i < min((segment + 1) * length, vocabulary); i += 128) {
        const float4 four = *reinterpret_cast<const float4*>(row + i);
        sum += kept(four.x, largest, scale, least) + kept(four.y, largest, scale, least);
        sum += kept(four.z, largest, scale, least) + kept(four.w, largest, scale, least);
      }
    } else {
      for (int i = 0; i < length; i += 32) sum += kept(row, segment * length + i + lane, vocabulary, largest, scale, least);
    }
    sum = over_warp(sum);
    if (lane == 0) shared.segments[segment] = sum;
  }
  __syncthreads();
  return length;
}

__device__ __forceinline__ uint64_t total(const Shared& shared) {
  uint64_t sum = 0;
  for (int i = threadIdx.x % 32; i < kSegments; i += 32) sum += shared.segments[i];
  return over_warp(sum);
}

// Sums of the lanes up to and with the own one.
__device__ __forceinline__ uint64_t up_to_lane(uint64_t value) {
  const int lane = threadIdx.x % 32;
#pragma unroll
  for (int offset = 1; offset < 32; offset *= 2) {
    const uint64_t below = __shfl_up_sync(reduce::kFullWarp, value, offset);
    if (lane >= offset) value += below;
  }
  return value;
}

// The first of 32 lanes at which the running sum exceeds `wanted`, which becomes what is wanted of that lane; 32 where none does.
__device__ __forceinline__ int first_above(uint64_t value, uint64_t& wanted) {
  const uint64_t running = up_to_lane(value);
  const unsigned above = __ballot_sync(reduce::kFullWarp, running > wanted);
  const int source = above == 0 ? 31 : __ffs(above) - 1;
  const uint64_t before = __shfl_sync(reduce::kFullWarp, above == 0 ? running : running - value, source);
  wanted -= before;
  return above == 0 ? 32 : source;
}

// By one warp: the first token at which the running sum of weights exceeds `wanted`.
__device__ __forceinline__ int find(const float* row, int vocabulary, float largest, float scale, int least, int length, uint64_t wanted,
                                    const Shared& shared) {
  const int lane = threadIdx.x % 32;
  int segment = 0, found = 32;
  for (int first = 0; found == 32 && first < kSegments; first += 32) {
    found = first_above(shared.segments[first + lane], wanted);
    segment = first + found;
  }
  const int begin = segment * length;
  found = 32;
  int token = begin;
  for (int i = 0; found == 32 && i < length; i += 32) {
    found = first_above(kept(row, begin + i + lane, vocabulary, largest, scale, least), wanted);
    token = begin + i + found;
  }
  return token;
}

// One block a row. int4 of a row: flags, position, sample low, sample high.
__device__ __forceinline__ void tokens(float* logits, const int4* rows, const int* forbidden, int* next, const Rule& rule, int vocabulary,
                                       int forbidden_count) {
  __shared__ Shared shared;
  reduce::release_successor();
  reduce::wait_for_predecessor();
  float* row = logits + static_cast<long long>(blockIdx.x) * vocabulary;
  const int4 asked = rows[blockIdx.x];
  if (asked.x & kIdle) {
    if (threadIdx.x == 0) next[blockIdx.x] = 0;
    return;
  }
  if (asked.x & kForbids) {
    for (int i = threadIdx.x; i < forbidden_count; i += kThreads) {
      if (forbidden[i] >= 0 && forbidden[i] < vocabulary) row[forbidden[i]] = -INFINITY;
    }
    __syncthreads();
  }
  float largest;
  const int best = likeliest(row, vocabulary, largest, shared);
  if (best == INT_MAX || asked.x & kGreedy) {
    if (threadIdx.x == 0) next[blockIdx.x] = best == INT_MAX ? -1 : best;
    return;
  }
  __syncthreads();
  int least = INT_MIN;
  if (rule.top_k > 0) least = threshold<true>(row, vocabulary, largest, rule.scale, rule.top_k, shared);
  int length = sum_segments(row, vocabulary, largest, rule.scale, least, shared);
  if (rule.top_p != 0) {
    const uint64_t wanted = __umul64hi(rule.top_p, total(shared)) + 1;
    __syncthreads();
    least = max(least, threshold<false>(row, vocabulary, largest, rule.scale, wanted, shared));
    length = sum_segments(row, vocabulary, largest, rule.scale, least, shared);
  }
  if (threadIdx.x >= 32) return;
  const uint64_t all = total(shared);
  const Words words = philox({static_cast<uint32_t>(asked.y), static_cast<uint32_t>(asked.z), static_cast<uint32_t>(asked.w), 0},
                             static_cast<uint32_t>(rule.seed), static_cast<uint32_t>(rule.seed >> 32));
  const uint64_t bits = words.x[0] | static_cast<uint64_t>(words.x[1]) << 32;
  const int token = all == 0 ? -1 : find(row, vocabulary, largest, rule.scale, least, length, __umul64hi(bits, all), shared);
  if (threadIdx.x == 0) next[blockIdx.x] = token;
}

}  // namespace sample
