// Attention and its gradients for heads of any size and numbers of any type, products by fma in fp32: a warp has four rows, the rows
// that they meet come through shared memory 32 at a time, one a lane.
#pragma once

#include "reduce.cuh"
#include "stored.cuh"

namespace train_attention {

using stored::Numbers;

constexpr int kPlainThreads = 256;
constexpr int kPlainEach = 4;                                  // rows of a warp
constexpr int kPlainRows = kPlainThreads / 32 * kPlainEach;    // of a block
constexpr int kPlainTile = 32;
constexpr int kPlainColumns = 8;                               // of a lane: heads have at most 256 elements

struct PlainArguments {
  Numbers qkv;            // [tokens, (q_heads + 2 kv_heads) dim]
  Numbers out;            // [tokens, q_heads dim]
  float* log_sums;        // [tokens, q_heads]
  Numbers d_out, d_qkv;   // as out and qkv; gradients alone
  float* means;           // [tokens, q_heads]: rowsum(dO * O), left by plain_query_gradient for plain_key_gradient
  const int* boundaries;  // [sequences + 1]
  int q_heads, kv_heads, dim;
  float scale;

  __device__ __forceinline__ int row() const { return (q_heads + 2 * kv_heads) * dim; }
  __device__ __forceinline__ int width() const { return q_heads * dim; }
  __device__ __forceinline__ int ratio() const { return q_heads / kv_heads; }
};

// Shared memory: matrices of 32 rows, filled up with zeros to quads of columns and 4 floats further apart, then four weights of each
// lane of each warp.
struct PlainMemory {
  float* base;
  int dim, pitch;

  __device__ __forceinline__ explicit PlainMemory(int head) : dim(head), pitch((head + 3) / 4 * 4 + 4) {
    extern __shared__ __align__(16) float train_attention_floats[];
    base = train_attention_floats;
  }

  __device__ __forceinline__ float* matrix(int i) const { return base + i * kPlainRows * pitch; }
  __device__ __forceinline__ float* weights(int matrices) const { return matrix(matrices) + threadIdx.x / 32 * 32 * kPlainEach; }

  // Rows `stride` apart to a matrix; zeros for those from `valid` on.
  __device__ __forceinline__ void stage(int i, const Numbers& from, long long at, int stride, int valid) const {
    float* to = matrix(i);
    const int columns = pitch - 4;
    for (int place = threadIdx.x; place < kPlainRows * columns; place += kPlainThreads) {
      const int row = place / columns, column = place % columns;
      to[row * pitch + column] = row < valid && column < dim ? from.at(at + static_cast<long long>(row) * stride + column) : 0.0f;
    }
  }

  // The products of the warp's rows of one matrix with the lane's of another.
  __device__ __forceinline__ void dot(float (&s)[kPlainEach], int own, int other) const {
    const float *rows = matrix(own) + threadIdx.x / 32 * kPlainEach * pitch, *mine = matrix(other) + threadIdx.x % 32 * pitch;
#pragma unroll
    for (float& one : s) one = 0.0f;
#pragma unroll 4
    for (int at = 0; at < pitch - 4; at += 4) {
      const float4 b = *reinterpret_cast<const float4*>(mine + at);
#pragma unroll
      for (int r = 0; r < kPlainEach; r++) {
        const float4 a = *reinterpret_cast<const float4*>(rows + r * pitch + at);
        s[r] = __fmaf_rn(a.w, b.w, __fmaf_rn(a.z, b.z, __fmaf_rn(a.y, b.y, __fmaf_rn(a.x, b.x, s[r]))));
      }
    }
  }
};

// A warp's rows of a sum over rows: lane l has columns l, l + 32 ...
struct PlainSums {
  float column[kPlainEach][kPlainColumns] = {};

  __device__ __forceinline__ void scale(int row, float factor) {
#pragma unroll
    for (float& one : column[row]) one = __fmul_rn(one, factor);
  }

  // Adds the lanes' weights times their rows of a matrix.
  __device__ __forceinline__ void add(const float (&weight)[kPlainEach], const PlainMemory& memory, int matrix, int matrices) {
    float* weights = memory.weights(matrices);
    __syncwarp();
#pragma unroll
    for (int r = 0; r < kPlainEach; r++) weights[32 * r + threadIdx.x % 32] = weight[r];
    __syncwarp();
    const float* rows = memory.matrix(matrix) + threadIdx.x % 32;
    for (int row = 0; row < kPlainTile; row += 4) {
      float some[kPlainEach][4];
#pragma unroll
      for (int r = 0; r < kPlainEach; r++) {
        const float4 four = *reinterpret_cast<const float4*>(weights + 32 * r + row);
        some[r][0] = four.x, some[r][1] = four.y, some[r][2] = four.z, some[r][3] = four.w;
      }
#pragma unroll
      for (int c = 0; c < kPlainColumns; c++) {
        if (32 * c >= memory.dim) break;
#pragma unroll
        for (int k = 0; k < 4; k++) {
          const float value = rows[(row + k) * memory.pitch + 32 * c];
#pragma unroll
          for (int r = 0; r < kPlainEach; r++) column[r][c] = __fmaf_rn(some[r][k], value, column[r][c]);
        }
      }
    }
  }

  __device__ __forceinline__ void write(int row, const Numbers& to, long long at, float factor, int dim) const {
#pragma unroll
    for (int c = 0; c < kPlainColumns; c++) {
      const int place = threadIdx.x % 32 + 32 * c;
      if (place < dim) to.put(at + place, __fmul_rn(factor, column[row][c]));
    }
  }
};

// Grid (pieces of 32 queries of the longest sequence, q_heads, sequences); three matrices.
__device__ __forceinline__ void plain_forward(const PlainArguments& a) {
  reduce::release_successor();
  reduce::wait_for_predecessor();
  const long long origin = a.boundaries[blockIdx.z];
  const int length = a.boundaries[blockIdx.z + 1] - static_cast<int>(origin), first = blockIdx.x * kPlainRows;
  if (first >= length) return;
  const PlainMemory memory(a.dim);
  const int lane = threadIdx.x % 32, head = blockIdx.y, query = first + threadIdx.x / 32 * kPlainEach;
  const long long keys = origin * a.row() + (a.q_heads + head / a.ratio()) * a.dim;
  memory.stage(0, a.qkv, (origin + first) * a.row() + head * a.dim, a.row(), length - first);
  PlainSums sums;
  float largest[kPlainEach] = {-INFINITY, -INFINITY, -INFINITY, -INFINITY}, total[kPlainEach] = {};
  for (int tile = 0; tile < min(first + kPlainRows, length); tile += kPlainTile) {
    const long long at = keys + static_cast<long long>(tile) * a.row();
    __syncthreads();
    memory.stage(1, a.qkv, at, a.row(), length - tile);
    memory.stage(2, a.qkv, at + a.kv_heads * a.dim, a.row(), length - tile);
    __syncthreads();
    float s[kPlainEach];
    memory.dot(s, 0, 1);
#pragma unroll
    for (int r = 0; r < kPlainEach; r++) {
      s[r] = tile + lane > query + r ? -INFINITY : __fmul_rn(a.scale, s[r]);
      const float top = fmaxf(largest[r], reduce::over_warp<reduce::Max>(s[r])), factor = expf(__fsub_rn(largest[r], top));
      s[r] = expf(__fsub_rn(s[r], top));
      largest[r] = top;
      total[r] = __fmaf_rn(total[r], factor, reduce::over_warp<reduce::Sum>(s[r]));
      sums.scale(r, factor);
    }
    sums.add(s, memory, 2, 3);
  }
#pragma unroll
  for (int r = 0; r < kPlainEach; r++) {
    if (query + r >= length) break;
    const long long place = (origin + query + r) * a.q_heads + head;
    sums.write(r, a.out, place * a.dim, __fdiv_rn(1.0f, total[r]), a.dim);
    if (lane == 0) a.log_sums[place] = __fadd_rn(largest[r], logf(total[r]));
  }
}

// The same grid; four matrices.
__device__ __forceinline__ void plain_query_gradient(const PlainArguments& a) {
  reduce::release_successor();
  reduce::wait_for_predecessor();
  const long long origin = a.boundaries[blockIdx.z];
  const int length = a.boundaries[blockIdx.z + 1] - static_cast<int>(origin), first = blockIdx.x * kPlainRows;
  if (first >= length) return;
  const PlainMemory memory(a.dim);
  const int lane = threadIdx.x % 32, head = blockIdx.y, own = threadIdx.x / 32 * kPlainEach, query = first + own;
  const long long keys = origin * a.row() + (a.q_heads + head / a.ratio()) * a.dim;
  memory.stage(0, a.qkv, (origin + first) * a.row() + head * a.dim, a.row(), length - first);
  memory.stage(1, a.d_out, (origin + first) * a.width() + head * a.dim, a.width(), length - first);
  __syncthreads();
  float means[kPlainEach], log_sums[kPlainEach];
#pragma unroll
  for (int r = 0; r < kPlainEach; r++) {
    const bool valid = query + r < length;
    const long long place = (origin + query + r) * a.q_heads + head;
    float mean = 0.0f;
    for (int i = lane; i < a.dim && valid; i += 32) mean = __fmaf_rn(memory.matrix(1)[(own + r) * memory.pitch + i], a.out.at(place * a.dim + i), mean);
    means[r] = reduce::over_warp<reduce::Sum>(mean);
    log_sums[r] = valid ? a.log_sums[place] : INFINITY;
  }
  PlainSums sums;
  for (int tile = 0; tile < min(first + kPlainRows, length); tile += kPlainTile) {
    const long long at = keys + static_cast<long long>(tile) * a.row();
    __syncthreads();
    memory.stage(2, a.qkv, at, a.row(), length - tile);
    memory.stage(3, a.qkv, at + a.kv_heads * a.dim, a.row(), length - tile);
    __syncthreads();
    float s[kPlainEach], dp[kPlainEach];
    memory.dot(s, 0, 2);
    memory.dot(dp, 1, 3);
#pragma unroll
    for (int r = 0; r < kPlainEach; r++) {
      const float weight = tile + lane > query + r ? 0.0f : expf(__fmaf_rn(a.scale, s[r], -log_sums[r]));
      s[r] = __fmul_rn(weight, __fsub_rn(dp[r], means[r]));
    }
    sums.add(s, memory, 2, 4);
  }
#pragma unroll
  for (int r = 0; r < kPlainEach; r++) {
    if (query + r >= length) break;
    sums.write(r, a.d_qkv, (origin + query + r) * a.row() + head * a.dim, a.scale, a.dim);
    if (lane == 0) a.means[(origin + query + r) * a.q_heads + head] = means[r];
  }
}

// Grid (pieces of 32 keys of the longest sequence, kv_heads, sequences); four matrices. Sums go through heads, then queries.
__device__ __forceinline__ void plain_key_gradient(const PlainArguments& a) {
  reduce::release_successor();
  reduce::wait_for_predecessor();
  const long long origin = a.boundaries[blockIdx.z];
  const int length = a.boundaries[blockIdx.z + 1] - static_cast<int>(origin), first = blockIdx.x * kPlainRows;
  if (first >= length) return;
  const PlainMemory memory(a.dim);
  const int lane = threadIdx.x % 32, kv_head = blockIdx.y, key = first + threadIdx.x / 32 * kPlainEach;
  const int key_column = (a.q_heads + kv_head) * a.dim, value_column = key_column + a.kv_heads * a.dim;
  memory.stage(0, a.qkv, (origin + first) * a.row() + key_column, a.row(), length - first);
  memory.stage(1, a.qkv, (origin + first) * a.row() + value_column, a.row(), length - first);
  PlainSums d_keys, d_values;
  for (int head = kv_head * a.ratio(); head < (kv_head + 1) * a.ratio(); head++) {
    for (int tile = first; tile < length; tile += kPlainTile) {
      __syncthreads();
      memory.stage(2, a.qkv, (origin + tile) * a.row() + head * a.dim, a.row(), length - tile);
      memory.stage(3, a.d_out, (origin + tile) * a.width() + head * a.dim, a.width(), length - tile);
      __syncthreads();
      const int query = tile + lane;
      const long long place = (origin + query) * a.q_heads + head;
      const float log_sum = query < length ? a.log_sums[place] : INFINITY, mean = query < length ? a.means[place] : 0.0f;
      float s[kPlainEach], dp[kPlainEach];
      memory.dot(s, 0, 2);
      memory.dot(dp, 1, 3);
#pragma unroll
      for (int r = 0; r < kPlainEach; r++) {
        s[r] = key + r > query ? 0.0f : expf(__fmaf_rn(a.scale, s[r], -log_sum));
        dp[r] = __fmul_rn(s[r], __fsub_rn(dp[r], mean));
      }
      d_values.add(s, memory, 3, 4);
      d_keys.add(dp, memory, 2, 4);
    }
  }
#pragma unroll
  for (int r = 0; r < kPlainEach; r++) {
    if (key + r >= length) break;
    d_keys.write(r, a.d_qkv, (origin + key + r) * a.row() + key_column, a.scale, a.dim);
    d_values.write(r, a.d_qkv, (origin + key + r) * a.row() + value_column, 1.0f, a.dim);
  }
}

}  // namespace train_attention
