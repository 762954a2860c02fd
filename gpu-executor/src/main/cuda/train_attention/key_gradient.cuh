// The gradients of keys and values: 64 keys a warpgroup against tiles of 64 queries of all heads that share them.
#pragma once

#include "query_gradient.cuh"

namespace train_attention {

// s becomes P^T, 0 where a key comes after its query.
__device__ __forceinline__ void weights_of_keys(float (&s)[kSums], const float* log_sums, float scale, bool masked, int key, int query) {
  const int g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
#pragma unroll
  for (int j = 0; j < kTile / 8; j++) {
    const float2 sum = *reinterpret_cast<const float2*>(log_sums + 8 * j + 2 * t);
#pragma unroll
    for (int n = 4 * j; n < 4 * j + 4; n++) {
      const int h = n / 2 % 2, i = n % 2;
      const bool hidden = masked && key + g + 8 * h > query + 8 * j + 2 * t + i;
      const float log_sum = __fmul_rn(i == 0 ? sum.x : sum.y, reduce::kLog2E);
      s[n] = hidden ? 0.0f : reduce::exp2_fast(__fmaf_rn(s[n], scale, -log_sum));
    }
  }
}

// dp becomes dS^T = P^T (dP^T - mean).
__device__ __forceinline__ void score_gradient(float (&dp)[kSums], const float (&p)[kSums], const float* means) {
  const int t = threadIdx.x % 4;
#pragma unroll
  for (int j = 0; j < kTile / 8; j++) {
    const float2 mean = *reinterpret_cast<const float2*>(means + 8 * j + 2 * t);
#pragma unroll
    for (int n = 4 * j; n < 4 * j + 4; n++) dp[n] = __fmul_rn(p[n], __fsub_rn(dp[n], n % 2 == 0 ? mean.x : mean.y));
  }
}

// Grid (tiles of 64 kGroups keys of the longest sequence, kv_heads, sequences); tiles with most queries come first. Shared memory: keys
// and values, then two times queries and gradients of results, then two times 64 log sums and 64 means. Sums go through heads, then
// queries.
template <int kDim, int kGroups>
__device__ __forceinline__ void key_gradient(const GradientArguments& a) {
  using S = Shape<kDim, kGroups>;
  unsigned char* shared = aligned_shared();
  const uint32_t keys = ptx::shared_address(shared), vectors = keys + S::kOwnBytes, tiles_at = vectors + S::kOwnBytes;
  const uint32_t scalars_at = tiles_at + 4 * S::kTileBytes;
  const float* scalars = reinterpret_cast<const float*>(shared + 2 * S::kOwnBytes + 4 * S::kTileBytes);
  const int group = threadIdx.x / 128, warp = threadIdx.x % 128 / 32, kv_head = blockIdx.y, ratio = a.q_heads / a.kv_heads;
  reduce::release_successor();
  reduce::wait_for_predecessor();
  const Place place(a.boundaries);
  const int first = blockIdx.x * S::kRows;
  if (first >= place.length) return;
  const int width = a.q_heads * kDim, tiles = (place.length - first + kTile - 1) / kTile, steps = ratio * tiles;
  const int own = first + group * kTile;
  // A query behind the end has weights of 0.
  auto fetch = [&](int step) {
    const int head = kv_head * ratio + step / tiles, query = first + step % tiles * kTile, count = place.length - query;
    const int row = threadIdx.x % kTile;
    if (threadIdx.x < 2 * kTile) {
      const uint32_t scalar = scalars_at + 4 * (step % 2 * 2 * kTile + threadIdx.x);
      const float* from = threadIdx.x < kTile ? a.log_sums : a.means;
      if (row < count) {
        ptx::copy_4(scalar, from + (place.origin + query + row) * a.q_heads + head);
      } else {
        ptx::store_4(scalar, threadIdx.x < kTile ? INFINITY : 0.0f);
      }
    }
    const uint32_t to = tiles_at + step % 2 * 2 * S::kTileBytes;
    S::template load<kTile>(to, a.q + (place.origin + query) * a.stride + head * kDim, a.stride, count);
    S::template load<kTile>(to + S::kTileBytes, a.d_out + (place.origin + query) * width + head * kDim, width, count);
    ptx::copy_commit();
  };
  const long long begin = (place.origin + first) * a.stride + kv_head * kDim;
  S::template load<S::kRows>(keys, a.k + begin, a.stride, place.length - first);
  S::template load<S::kRows>(vectors, a.v + begin, a.stride, place.length - first);
  fetch(0);
  const uint32_t own_bytes = group * kTile * kRowBytes;
  const float scale = __fmul_rn(a.scale, reduce::kLog2E);
  float d_keys[S::kOutputs] = {}, d_vectors[S::kOutputs] = {};
  for (int step = 0; step < steps; step++) {
    arrive();
    if (step + 1 < steps) fetch(step + 1);
    const int query = first + step % tiles * kTile;
    if (query + kTile <= own) continue;
    const uint32_t queries = tiles_at + step % 2 * 2 * S::kTileBytes;
    const float* log_sums = scalars + step % 2 * 2 * kTile;
    float s[kSums], dp[kSums];
    uint32_t weights[kSteps][4], gradients[kSteps][4];
    ptx::wgmma_fence();
    across<kDim, S::kRows>(s, keys + own_bytes, queries);
    across<kDim, S::kRows>(dp, vectors + own_bytes, queries + S::kTileBytes);
    ptx::wgmma_wait<1>();
    hold(s);
    weights_of_keys(s, log_sums, scale, query < own + kTile, own + 16 * warp, query);
    round_left(weights, s);
    ptx::wgmma_fence();
    down(d_vectors, weights, queries + S::kTileBytes);
    ptx::wgmma_wait<1>();
    hold(dp);
    score_gradient(dp, s, log_sums + kTile);
    round_left(gradients, dp);
    ptx::wgmma_fence();
    down(d_keys, gradients, queries);
    ptx::wgmma_wait<0>();
    hold(d_vectors), hold(d_keys);
    ptx::hold(weights), ptx::hold(gradients);
  }
  const int row = group * kTile + 16 * warp, valid = place.length - first - row;
  const long long to = begin + static_cast<long long>(row) * a.stride;
  const float scaled[2] = {a.scale, a.scale}, plain[2] = {1.0f, 1.0f};
  __syncthreads();  // Nobody reads tiles any more.
  write<kDim, kGroups>(d_keys, scaled, shared, row, a.dk + to, a.stride, valid);
  write<kDim, kGroups>(d_vectors, plain, shared, row, a.dv + to, a.stride, valid);
}

}  // namespace train_attention
