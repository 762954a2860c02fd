// Causal attention of packed sequences: 64 queries a warpgroup against tiles of 64 keys, softmax on the way.
#pragma once

#include "mma.cuh"

namespace train_attention {

struct ForwardArguments {
  const Bf16 *q, *k, *v;    // [tokens, q_heads or kv_heads, kDim], rows `stride` elements apart
  Bf16* out;                // [tokens, q_heads, kDim]
  float* log_sums;          // [tokens, q_heads]
  const int* boundaries;    // [sequences + 1]
  int q_heads, kv_heads, stride;
  float scale;              // of q k
};

// Rows g and g + 8 of a thread.
struct Softmax {
  float largest[2] = {-INFINITY, -INFINITY};   // in units of log2
  float total[2] = {};                         // of the thread's own columns

  // s becomes 2^(scale s - largest), 0 where a key comes after its query; sums of values are brought to the new largest.
  template <int kOutputs>
  __device__ __forceinline__ void run(float (&s)[kSums], float (&sums)[kOutputs], float scale, bool masked, int key, int query) {
    const int g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
#pragma unroll
    for (int h = 0; h < 2; h++) {
      float top = largest[h];
#pragma unroll
      for (int j = 0; j < kTile / 8; j++) {
#pragma unroll
        for (int i = 0; i < 2; i++) {
          float& one = s[4 * j + 2 * h + i];
          if (masked && key + 8 * j + 2 * t + i > query + g + 8 * h) one = -INFINITY;
          top = fmaxf(top, __fmul_rn(one, scale));
        }
      }
      top = reduce::over_lanes<reduce::Max, 4>(top);
      const float factor = reduce::exp2_fast(__fsub_rn(largest[h], top));
      largest[h] = top;
      float sum = 0.0f;
#pragma unroll
      for (int j = 0; j < kTile / 8; j++) {
#pragma unroll
        for (int i = 0; i < 2; i++) {
          float& one = s[4 * j + 2 * h + i];
          one = reduce::exp2_fast(__fmaf_rn(one, scale, -top));
          sum = __fadd_rn(sum, one);
        }
      }
      total[h] = __fmaf_rn(total[h], factor, sum);
#pragma unroll
      for (int j = 0; j < kOutputs / 4; j++) {
        sums[4 * j + 2 * h] = __fmul_rn(sums[4 * j + 2 * h], factor);
        sums[4 * j + 2 * h + 1] = __fmul_rn(sums[4 * j + 2 * h + 1], factor);
      }
    }
  }
};

// Grid (tiles of 64 kGroups queries of the longest sequence, q_heads, sequences); tiles with most keys come first. Shared memory:
// queries, then two times keys and values.
template <int kDim, int kGroups>
__device__ __forceinline__ void forward(const ForwardArguments& a) {
  using S = Shape<kDim, kGroups>;
  unsigned char* shared = aligned_shared();
  const uint32_t queries = ptx::shared_address(shared), tiles_at = queries + S::kOwnBytes;
  const int group = threadIdx.x / 128, warp = threadIdx.x % 128 / 32, head = blockIdx.y, kv_head = head / (a.q_heads / a.kv_heads);
  reduce::release_successor();
  reduce::wait_for_predecessor();
  const Place place(a.boundaries);
  const int first = (gridDim.x - 1 - blockIdx.x) * S::kRows;
  if (first >= place.length) return;
  const int tiles = (min(first + S::kRows, place.length) + kTile - 1) / kTile, own = first + group * kTile;
  auto fetch = [&](int tile) {
    const uint32_t to = tiles_at + tile % 2 * 2 * S::kTileBytes;
    const long long away = (place.origin + tile * kTile) * a.stride + kv_head * kDim;
    S::template load<kTile>(to, a.k + away, a.stride, place.length - tile * kTile);
    S::template load<kTile>(to + S::kTileBytes, a.v + away, a.stride, place.length - tile * kTile);
    ptx::copy_commit();
  };
  S::template load<S::kRows>(queries, a.q + (place.origin + first) * a.stride + head * kDim, a.stride, place.length - first);
  fetch(0);
  const float scale = __fmul_rn(a.scale, reduce::kLog2E);
  Softmax softmax;
  float sums[S::kOutputs] = {};
  for (int tile = 0; tile < tiles; tile++) {
    arrive();
    if (tile + 1 < tiles) fetch(tile + 1);
    if (tile * kTile >= own + kTile) continue;
    const uint32_t keys = tiles_at + tile % 2 * 2 * S::kTileBytes;
    float s[kSums];
    uint32_t weights[kSteps][4];
    ptx::wgmma_fence();
    across<kDim, S::kRows>(s, queries + group * kTile * kRowBytes, keys);
    ptx::wgmma_wait<0>();
    hold(s);
    softmax.run(s, sums, scale, tile * kTile + kTile > own, tile * kTile, own + 16 * warp);
    round_left(weights, s);
    ptx::wgmma_fence();
    down(sums, weights, keys + S::kTileBytes);
    ptx::wgmma_wait<0>();
    hold(sums);
    ptx::hold(weights);
  }
  const int row = own + 16 * warp, g = threadIdx.x % 32 / 4;
  float factor[2];
#pragma unroll
  for (int h = 0; h < 2; h++) {
    const float total = reduce::over_lanes<reduce::Sum, 4>(softmax.total[h]);
    factor[h] = __fdiv_rn(1.0f, total);
    if (threadIdx.x % 4 == 0 && row + g + 8 * h < place.length) {
      constexpr float kLn2 = 0.69314718055994531f;
      a.log_sums[(place.origin + row + g + 8 * h) * a.q_heads + head] = __fmul_rn(__fadd_rn(softmax.largest[h], log2f(total)), kLn2);
    }
  }
  __syncthreads();  // Nobody reads tiles any more.
  write<kDim, kGroups>(sums, factor, shared, group * kTile + 16 * warp, a.out + ((place.origin + row) * a.q_heads + head) * kDim,
                       static_cast<long long>(a.q_heads) * kDim, place.length - row);
}

}  // namespace train_attention
