// Norms and rotation of the heads of q and k, and their gradients.
#pragma once

#include "reduce.cuh"
#include "stored.cuh"

namespace train_attention {

using stored::Numbers;

constexpr int kHeadThreads = 256;
constexpr int kNormTokens = 32;   // whose gradients of norms a block sums
constexpr int kNormPairs = 4;     // of a lane: heads have at most 256 elements

struct HeadArguments {
  Numbers x, y;            // [tokens, (q_heads + 2 kv_heads) dim]; one matrix where the work is in place
  Numbers query, key;      // weights of norms [dim], or null
  const int* positions;    // [tokens]
  const float* cosines;    // [positions, dim / 2]: elements i and i + dim / 2 turn by angle i
  const float* sines;
  int tokens, q_heads, kv_heads, dim;
  float query_epsilon, key_epsilon;

  __device__ __forceinline__ int heads() const { return q_heads + 2 * kv_heads; }
  __device__ __forceinline__ Numbers weight(int head) const {
    return {head < q_heads ? query.base : key.base, head < q_heads ? query.is_bf16 : key.is_bf16};
  }
  __device__ __forceinline__ float epsilon(int head) const { return head < q_heads ? query_epsilon : key_epsilon; }
};

// 1 / sqrt(mean(x^2) + epsilon)
__device__ __forceinline__ float inverse_root(float squares, int dim, float epsilon) {
  return __fdiv_rn(1.0f, __fsqrt_rn(__fadd_rn(__fdiv_rn(squares, static_cast<float>(dim)), epsilon)));
}

// y = rotation of x, or of its norm where there are weights; back where kBack says so. kWide neighbours at a time: half a head is a
// multiple of it. kHeadLanes lanes a head.
template <int kWide, int kHeadLanes, bool kBack>
__device__ __forceinline__ void turn_heads(const HeadArguments& a) {
  reduce::release_successor();
  reduce::wait_for_predecessor();
  const unsigned place = blockIdx.x * (kHeadThreads / kHeadLanes) + threadIdx.x / kHeadLanes;
  const bool active = place < static_cast<unsigned>(a.tokens * a.heads());
  const unsigned token = place / a.heads();
  const int head = static_cast<int>(place - token * a.heads()), begin = kWide * (threadIdx.x % kHeadLanes), half = a.dim / 2;
  const long long at = static_cast<long long>(place) * a.dim;
  if (head >= a.q_heads + a.kv_heads && active && a.x.base != a.y.base) {
    for (int i = begin; i < a.dim; i += kWide * kHeadLanes) {
      float values[kWide];
      a.x.load(at + i, values);
      a.y.store(at + i, values);
    }
  }
  const bool turned = active && head < a.q_heads + a.kv_heads;
  const bool normed = !kBack && a.query.base != nullptr;
  float root = 1.0f;
  if (normed) {
    float squares = 0.0f;
    for (int i = begin; turned && i < a.dim; i += kWide * kHeadLanes) {
      float values[kWide];
      a.x.load(at + i, values);
#pragma unroll
      for (int j = 0; j < kWide; j++) squares = __fmaf_rn(values[j], values[j], squares);
    }
    root = inverse_root(reduce::over_lanes<reduce::Sum, kHeadLanes>(squares), a.dim, a.epsilon(head));
  }
  if (!turned) return;
  const Numbers cosines = {const_cast<float*>(a.cosines), false}, sines = {const_cast<float*>(a.sines), false};
  const long long angle = static_cast<long long>(a.positions[token]) * half;
  for (int i = begin; i < half; i += kWide * kHeadLanes) {
    float low[kWide], high[kWide], c[kWide], s[kWide];
    a.x.load(at + i, low);
    a.x.load(at + half + i, high);
    if (normed) {
      float first[kWide], second[kWide];
      a.weight(head).load(i, first);
      a.weight(head).load(half + i, second);
#pragma unroll
      for (int j = 0; j < kWide; j++) {
        low[j] = __fmul_rn(__fmul_rn(low[j], root), first[j]);
        high[j] = __fmul_rn(__fmul_rn(high[j], root), second[j]);
      }
    }
    cosines.load(angle + i, c);
    sines.load(angle + i, s);
#pragma unroll
    for (int j = 0; j < kWide; j++) {
      const float x = low[j], sine = kBack ? -s[j] : s[j];
      low[j] = __fmaf_rn(x, c[j], -__fmul_rn(high[j], sine));
      high[j] = __fmaf_rn(high[j], c[j], __fmul_rn(x, sine));
    }
    a.y.store(at + i, low);
    a.y.store(at + half + i, high);
  }
}

// What a lane has of a head: elements i and i + dim / 2 for i = lane, lane + 32 ...
struct HeadPairs {
  float low[kNormPairs] = {}, high[kNormPairs] = {};
};

// The gradient of a normed head in place, by a warp; adds what the head gives to that of the weight.
__device__ __forceinline__ void norm_head_gradient(const HeadArguments& a, long long token, int head, HeadPairs& sums) {
  const int lane = threadIdx.x % 32, half = a.dim / 2;
  const long long at = (token * a.heads() + head) * a.dim, angle = static_cast<long long>(a.positions[token]) * half;
  HeadPairs x, d;
  float squares = 0.0f;
#pragma unroll
  for (int pair = 0; pair < kNormPairs; pair++) {
    const int i = lane + 32 * pair;
    if (i >= half) break;
    x.low[pair] = a.x.at(at + i), x.high[pair] = a.x.at(at + half + i);
    squares = __fmaf_rn(x.low[pair], x.low[pair], __fmaf_rn(x.high[pair], x.high[pair], squares));
    const float low = a.y.at(at + i), high = a.y.at(at + half + i), c = a.cosines[angle + i], s = a.sines[angle + i];
    d.low[pair] = __fmaf_rn(low, c, __fmul_rn(high, s));
    d.high[pair] = __fmaf_rn(high, c, -__fmul_rn(low, s));
  }
  const float root = inverse_root(reduce::over_warp<reduce::Sum>(squares), a.dim, a.epsilon(head));
  float product = 0.0f;
#pragma unroll
  for (int pair = 0; pair < kNormPairs; pair++) {
    const int i = lane + 32 * pair;
    if (i >= half) break;
    x.low[pair] = __fmul_rn(x.low[pair], root), x.high[pair] = __fmul_rn(x.high[pair], root);
    sums.low[pair] = __fmaf_rn(d.low[pair], x.low[pair], sums.low[pair]);
    sums.high[pair] = __fmaf_rn(d.high[pair], x.high[pair], sums.high[pair]);
    d.low[pair] = __fmul_rn(d.low[pair], a.weight(head).at(i));
    d.high[pair] = __fmul_rn(d.high[pair], a.weight(head).at(half + i));
    product = __fmaf_rn(d.low[pair], x.low[pair], __fmaf_rn(d.high[pair], x.high[pair], product));
  }
  const float mean = __fdiv_rn(reduce::over_warp<reduce::Sum>(product), static_cast<float>(a.dim));
#pragma unroll
  for (int pair = 0; pair < kNormPairs; pair++) {
    const int i = lane + 32 * pair;
    if (i >= half) break;
    a.y.put(at + i, __fmul_rn(root, __fmaf_rn(-x.low[pair], mean, d.low[pair])));
    a.y.put(at + half + i, __fmul_rn(root, __fmaf_rn(-x.high[pair], mean, d.high[pair])));
  }
}

// Grid (pieces of 32 tokens, 2: heads of q, heads of k): the gradient of y becomes that of x, in place of it; partial [pieces, 2, dim]
// gets the piece's gradients of the weights, summed by warps over tokens and heads, then over warps.
__device__ __forceinline__ void norm_gradient(const HeadArguments& a, float* partial) {
  __shared__ float shared[kHeadThreads / 32][2 * 32 * kNormPairs];
  reduce::release_successor();
  reduce::wait_for_predecessor();
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, half = a.dim / 2;
  const int heads = blockIdx.y == 0 ? a.q_heads : a.kv_heads, first_head = blockIdx.y == 0 ? 0 : a.q_heads;
  const int first = blockIdx.x * kNormTokens, count = min(kNormTokens, a.tokens - first) * heads;
  HeadPairs sums;
  for (int i = warp; i < count; i += kHeadThreads / 32) norm_head_gradient(a, first + i / heads, first_head + i % heads, sums);
#pragma unroll
  for (int pair = 0; pair < kNormPairs; pair++) {
    const int i = lane + 32 * pair;
    if (i < half) shared[warp][i] = sums.low[pair], shared[warp][half + i] = sums.high[pair];
  }
  __syncthreads();
  float* to = partial + (2ll * blockIdx.x + blockIdx.y) * a.dim;
  for (int i = threadIdx.x; i < a.dim; i += kHeadThreads) {
    float sum = shared[0][i];
    for (int other = 1; other < kHeadThreads / 32; other++) sum = __fadd_rn(sum, shared[other][i]);
    to[i] = sum;
  }
}

// Adds the sum of all pieces to the gradient of a weight [dim], which = 0 for q, 1 for k. One block.
__device__ __forceinline__ void add_norm_sums(const float* partial, float* gradient, int pieces, int which, int dim) {
  reduce::release_successor();
  reduce::wait_for_predecessor();
  for (int i = threadIdx.x; i < dim; i += kHeadThreads) {
    float sum = 0.0f;
#pragma unroll 16
    for (int piece = 0; piece < pieces; piece++) sum = __fadd_rn(sum, partial[(2ll * piece + which) * dim + i]);
    gradient[i] = __fadd_rn(gradient[i], sum);
  }
}

}  // namespace train_attention
