// Causal attention of whole sequences in fp32: softmax on the way (Dao 2023), all products by fma.
#pragma once

#include "rows.cuh"

namespace layer_fp32 {

constexpr int kQueries = 64;   // of a block
constexpr int kKeys = 64;      // of a tile
constexpr int kEach = 4;       // queries, and keys, of a thread
constexpr int kPitch = kQueries + 4;

// Rows of a tile: those below `moved` lie `away` rows from their place.
struct Rows {
  int count, moved, away;

  __device__ __forceinline__ long long place(int row) const { return row + (row < moved ? away : 0); }
};

// What a block has in shared memory: queries and keys [dim][64], values [64][dim] in the place of the keys, weights [64][64], each row
// 4 floats longer. Heads of 128 fit into the 99 KB of small devices.
template <int kDim>
struct Tile {
  static constexpr int kValuePitch = kDim + 4, kQuads = kDim / 64;   // quads of columns of a thread
  static constexpr int kKeysAt = kDim * kPitch, kValuesAt = kKeysAt, kWeightsAt = 2 * kDim * kPitch;
  static_assert(kKeys * kValuePitch <= kDim * kPitch);
  static constexpr int kBytes = (kWeightsAt + kQueries * kPitch) * 4;

  // Rows of `dim` numbers, `stride` apart, to [kDim][64]; zeros outside.
  __device__ __forceinline__ static void load_across(float* to, const float* from, const Rows& rows, int dim, int stride) {
    for (int i = static_cast<int>(threadIdx.x); i < kQueries * kDim; i += kThreads) {
      const int row = i / kDim, at = i % kDim;
      to[at * kPitch + row] = row < rows.count && at < dim ? from[rows.place(row) * stride + at] : 0.0f;
    }
  }

  __device__ __forceinline__ static void load(float* to, const float* from, const Rows& rows, int dim, int stride) {
    for (int i = static_cast<int>(threadIdx.x); i < kKeys * kDim; i += kThreads) {
      const int row = i / kDim, at = i % kDim;
      to[row * kValuePitch + at] = row < rows.count && at < dim ? from[rows.place(row) * stride + at] : 0.0f;
    }
  }
};

// A thread's four queries: their sums of values so far, the largest score and the sum of weights.
template <int kDim>
struct Queries {
  static constexpr int kColumns = 4 * Tile<kDim>::kQuads;
  float sums[kEach][kColumns] = {};
  float largest[kEach], total[kEach] = {};

  // Scores of a tile become weights; what was summed is brought to the new largest. Sixteen neighbours share a row.
  __device__ __forceinline__ void soften(float (&s)[kEach][kEach], float scale, int first_query, int first_key) {
#pragma unroll
    for (int i = 0; i < kEach; i++) {
      float top = largest[i];
#pragma unroll
      for (int j = 0; j < kEach; j++) {
        s[i][j] = first_key + j > first_query + i ? -INFINITY : __fmul_rn(s[i][j], scale);
        top = fmaxf(top, s[i][j]);
      }
      top = reduce::over_lanes<reduce::Max, 16>(top);
      const float base = top == -INFINITY ? 0.0f : top, factor = expf(__fsub_rn(largest[i], base));
      largest[i] = top;
      float weights = 0.0f;
#pragma unroll
      for (int j = 0; j < kEach; j++) {
        s[i][j] = expf(__fsub_rn(s[i][j], base));
        weights = __fadd_rn(weights, s[i][j]);
      }
      total[i] = __fmaf_rn(total[i], factor, reduce::over_lanes<reduce::Sum, 16>(weights));
#pragma unroll
      for (int c = 0; c < kColumns; c++) sums[i][c] = __fmul_rn(sums[i][c], factor);
    }
  }

  // weights [64][64], values [64][dim].
  __device__ __forceinline__ void add(const float* weights, const float* values, int row, int column) {
#pragma unroll 2
    for (int key = 0; key < kKeys; key += 4) {
      float4 w[kEach];
#pragma unroll
      for (int i = 0; i < kEach; i++) w[i] = *reinterpret_cast<const float4*>(weights + (row + i) * kPitch + key);
#pragma unroll
      for (int k = 0; k < 4; k++) {
#pragma unroll
        for (int quad = 0; quad < Tile<kDim>::kQuads; quad++) {
          const float4 v = *reinterpret_cast<const float4*>(values + (key + k) * Tile<kDim>::kValuePitch + column + 64 * quad);
#pragma unroll
          for (int i = 0; i < kEach; i++) {
            const float weight = k == 0 ? w[i].x : k == 1 ? w[i].y : k == 2 ? w[i].z : w[i].w;
            float* sum = &sums[i][4 * quad];
            sum[0] = __fmaf_rn(weight, v.x, sum[0]);
            sum[1] = __fmaf_rn(weight, v.y, sum[1]);
            sum[2] = __fmaf_rn(weight, v.z, sum[2]);
            sum[3] = __fmaf_rn(weight, v.w, sum[3]);
          }
        }
      }
    }
  }
};

template <int kDim>
__device__ __forceinline__ void score(const float* queries, const float* keys, int row, int column, int dim, float (&s)[kEach][kEach]) {
#pragma unroll
  for (int i = 0; i < kEach * kEach; i++) s[i / kEach][i % kEach] = 0.0f;
#pragma unroll 8
  for (int at = 0; at < dim; at++) {
    const float4 q = *reinterpret_cast<const float4*>(queries + at * kPitch + row);
    const float4 k = *reinterpret_cast<const float4*>(keys + at * kPitch + column);
    const float qs[kEach] = {q.x, q.y, q.z, q.w}, ks[kEach] = {k.x, k.y, k.z, k.w};
#pragma unroll
    for (int i = 0; i < kEach * kEach; i++) s[i / kEach][i % kEach] = __fmaf_rn(qs[i / kEach], ks[i % kEach], s[i / kEach][i % kEach]);
  }
}

template <int kDim>
__device__ __forceinline__ void attention(const float* qkv, float* out, const int* boundaries, const int* prefixes, int q_heads, int kv_heads,
                                          int dim, float scale) {
  extern __shared__ __align__(16) float shared[];
  using T = Tile<kDim>;
  float *keys = shared + T::kKeysAt, *values = shared + T::kValuesAt, *weights = shared + T::kWeightsAt;
  reduce::release_successor();
  reduce::wait_for_predecessor();
  const int begin = boundaries[blockIdx.z], tokens = boundaries[blockIdx.z + 1] - begin;
  const int first = (static_cast<int>(gridDim.x) - 1 - static_cast<int>(blockIdx.x)) * kQueries;   // tiles with most keys start first
  if (first >= tokens) return;
  const int head = static_cast<int>(blockIdx.y), kv_head = head / (q_heads / kv_heads), stride = (q_heads + 2 * kv_heads) * dim;
  const int row = static_cast<int>(threadIdx.x) / 16 * kEach, column = static_cast<int>(threadIdx.x) % 16 * kEach;
  // Keys and values count from the first token before the sequence's own, which lies `away` rows from where it would without.
  const int before = prefixes == nullptr ? 0 : prefixes[2 * blockIdx.z + 1];
  const int away = before == 0 ? 0 : prefixes[2 * blockIdx.z] - begin + before;
  const float* start = qkv + static_cast<long long>(begin) * stride;
  const float* known = start - static_cast<long long>(before) * stride;
  T::load_across(shared, start + static_cast<long long>(first) * stride + head * dim, Rows{tokens - first, 0, 0}, dim, stride);
  Queries<kDim> mine;
#pragma unroll
  for (int i = 0; i < kEach; i++) mine.largest[i] = -INFINITY;
  for (int key = 0; key < before + min(tokens, first + kQueries); key += kKeys) {
    const float* at = known + static_cast<long long>(key) * stride + (q_heads + kv_head) * dim;
    const Rows rows = {before + tokens - key, before - key, away};
    __syncthreads();
    T::load_across(keys, at, rows, dim, stride);
    __syncthreads();
    float s[kEach][kEach];
    score<kDim>(shared, keys, row, column, dim, s);
    mine.soften(s, scale, before + first + row, key + column);
#pragma unroll
    for (int i = 0; i < kEach; i++) {
      *reinterpret_cast<float4*>(weights + (row + i) * kPitch + column) = make_float4(s[i][0], s[i][1], s[i][2], s[i][3]);
    }
    __syncthreads();
    T::load(values, at + kv_heads * dim, rows, dim, stride);
    __syncthreads();
    mine.add(weights, values, row, column);
  }
  for (int i = 0; i < kEach && first + row + i < tokens; i++) {
    float* to = out + ((static_cast<long long>(begin) + first + row + i) * q_heads + head) * dim;
#pragma unroll
    for (int c = 0; c < Queries<kDim>::kColumns; c++) {
      const int at = column + c / 4 * 64 + c % 4;
      if (at < dim) to[at] = __fdiv_rn(mine.sums[i][c], mine.total[i]);
    }
  }
}

}  // namespace layer_fp32
