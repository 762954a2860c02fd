// The gradient of queries: 64 queries a warpgroup against tiles of 64 keys.
#pragma once

#include "mma.cuh"

namespace train_attention {

// What both gradients read and write. q, k, v and their gradients are rows `stride` elements apart.
struct GradientArguments {
  const Bf16 *q, *k, *v;      // [tokens, q_heads or kv_heads, kDim]
  const Bf16 *out, *d_out;    // [tokens, q_heads, kDim]
  const float* log_sums;      // [tokens, q_heads]
  float* means;               // [tokens, q_heads]: rowsum(dO * O), left by query_gradient for key_gradient
  Bf16 *dq, *dk, *dv;
  const int* boundaries;      // [sequences + 1]
  int q_heads, kv_heads, stride;
  float scale;                // of q k
};

// rowsum(dO * O) of a row: four lanes have a quarter of its units of 16 bytes each, all of them get the sum.
template <int kDim>
__device__ __forceinline__ float row_mean(const Bf16* given, const Bf16* out, bool valid) {
  float sum = 0.0f;
#pragma unroll
  for (int unit = 0; unit < kDim / 32; unit++) {
    if (!valid) break;
    float left[8], right[8];
    reduce::unpack(reduce::load8(given, threadIdx.x % 4 + 4 * unit), left);
    reduce::unpack(reduce::load8(out, threadIdx.x % 4 + 4 * unit), right);
#pragma unroll
    for (int i = 0; i < 8; i++) sum = __fmaf_rn(left[i], right[i], sum);
  }
  return reduce::over_lanes<reduce::Sum, 4>(sum);
}

// s becomes P, 0 where a key comes after its query; log sums in units of log2.
__device__ __forceinline__ void weights_of_queries(float (&s)[kSums], const float (&log_sums)[2], float scale, bool masked, int key, int query) {
  const int g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
#pragma unroll
  for (int n = 0; n < kSums; n++) {
    const int j = n / 4, h = n / 2 % 2, i = n % 2;
    const bool hidden = masked && key + 8 * j + 2 * t + i > query + g + 8 * h;
    s[n] = hidden ? 0.0f : reduce::exp2_fast(__fmaf_rn(s[n], scale, -log_sums[h]));
  }
}

// Grid (tiles of 64 kGroups queries of the longest sequence, q_heads, sequences); tiles with most keys come first. Shared memory:
// queries and gradients of results, then two times keys and values.
template <int kDim, int kGroups>
__device__ __forceinline__ void query_gradient(const GradientArguments& a) {
  using S = Shape<kDim, kGroups>;
  unsigned char* shared = aligned_shared();
  const uint32_t queries = ptx::shared_address(shared), given = queries + S::kOwnBytes, tiles_at = given + S::kOwnBytes;
  const int group = threadIdx.x / 128, warp = threadIdx.x % 128 / 32, g = threadIdx.x % 32 / 4;
  const int head = blockIdx.y, kv_head = head / (a.q_heads / a.kv_heads), width = a.q_heads * kDim;
  reduce::release_successor();
  reduce::wait_for_predecessor();
  const Place place(a.boundaries);
  const int first = (gridDim.x - 1 - blockIdx.x) * S::kRows;
  if (first >= place.length) return;
  const int tiles = (min(first + S::kRows, place.length) + kTile - 1) / kTile, own = first + group * kTile, row = own + 16 * warp;
  auto fetch = [&](int tile) {
    const uint32_t to = tiles_at + tile % 2 * 2 * S::kTileBytes;
    const long long away = (place.origin + tile * kTile) * a.stride + kv_head * kDim;
    S::template load<kTile>(to, a.k + away, a.stride, place.length - tile * kTile);
    S::template load<kTile>(to + S::kTileBytes, a.v + away, a.stride, place.length - tile * kTile);
    ptx::copy_commit();
  };
  S::template load<S::kRows>(queries, a.q + (place.origin + first) * a.stride + head * kDim, a.stride, place.length - first);
  S::template load<S::kRows>(given, a.d_out + (place.origin + first) * width + head * kDim, width, place.length - first);
  fetch(0);
  float log_sums[2], means[2];
#pragma unroll
  for (int h = 0; h < 2; h++) {
    const bool valid = row + g + 8 * h < place.length;
    const long long at = (place.origin + row + g + 8 * h) * a.q_heads + head;
    means[h] = row_mean<kDim>(a.d_out + at * kDim, a.out + at * kDim, valid);
    log_sums[h] = valid ? __fmul_rn(a.log_sums[at], reduce::kLog2E) : INFINITY;
    if (valid && threadIdx.x % 4 == 0) a.means[at] = means[h];
  }
  const float scale = __fmul_rn(a.scale, reduce::kLog2E);
  const uint32_t own_bytes = group * kTile * kRowBytes;
  float sums[S::kOutputs] = {};
  for (int tile = 0; tile < tiles; tile++) {
    arrive();
    if (tile + 1 < tiles) fetch(tile + 1);
    if (tile * kTile >= own + kTile) continue;
    const uint32_t keys = tiles_at + tile % 2 * 2 * S::kTileBytes;
    float s[kSums], dp[kSums];
    uint32_t left[kSteps][4];
    ptx::wgmma_fence();
    across<kDim, S::kRows>(s, queries + own_bytes, keys);
    across<kDim, S::kRows>(dp, given + own_bytes, keys + S::kTileBytes);
    ptx::wgmma_wait<1>();
    hold(s);
    weights_of_queries(s, log_sums, scale, tile * kTile + kTile > own, tile * kTile, row);
    ptx::wgmma_wait<0>();
    hold(dp);
#pragma unroll
    for (int n = 0; n < kSums; n++) s[n] = __fmul_rn(s[n], __fsub_rn(dp[n], means[n / 2 % 2]));
    round_left(left, s);
    ptx::wgmma_fence();
    down(sums, left, keys);
    ptx::wgmma_wait<0>();
    hold(sums);
    ptx::hold(left);
  }
  const float factor[2] = {a.scale, a.scale};
  __syncthreads();  // Nobody reads tiles any more.
  write<kDim, kGroups>(sums, factor, shared, group * kTile + 16 * warp, a.dq + (place.origin + row) * a.stride + head * kDim, a.stride,
                       place.length - row);
}

}  // namespace train_attention
