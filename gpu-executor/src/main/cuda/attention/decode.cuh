// Attention of one query token a sequence over its KV cache.
#pragma once

#include "cache_vector.cuh"
#include "combine.cuh"
#include "mma_bf16.cuh"

namespace attention {

constexpr int kDecodeWarps = 4;
constexpr int kDecodeThreads = 32 * kDecodeWarps;
constexpr int kGroup = 8;  // query heads that a block serves with one reading of their keys and values

__host__ __device__ constexpr int ceil_div(int a, int b) { return (a + b - 1) / b; }

// How a block divides its part of the cache. Everything follows from the element type and the head dimension.
template <class T, int kDim>
struct DecodeShape {
  static constexpr int kElements = sizeof(T) == 2 || kDim < 128 ? 8 : 16;  // of a lane's vector
  static constexpr int kWords = kElements * static_cast<int>(sizeof(T)) / 4;
  static constexpr int kSplit = (sizeof(T) == 2 ? 128 : 256) / (kDim == 256 ? 2 : 1);  // positions a block
  static constexpr int kPositions = kSplit / kDecodeWarps;                             // positions a warp
  static constexpr int kKeyTiles = kPositions / 8;
  static constexpr int kKeyVectors = ceil_div(kDim, 4 * kElements);
  static constexpr int kSteps = kPositions / 16;
  static constexpr int kValueVectors = ceil_div(kDim, 8 * kElements);
  static constexpr int kPassVectors = kValueVectors * kElements < 16 ? kValueVectors : 16 / kElements;
  static constexpr int kPasses = kValueVectors / kPassVectors;
  static constexpr int kPassColumns = kPassVectors * 8 * kElements;
  static constexpr int kStride = kPassColumns + 4;  // floats a row of a warp's result in shared memory
};

struct DecodeArguments {
  const __nv_bfloat16* q;  // [sequences, q_heads, head_dim], rows q_stride elements apart
  const void* k_cache;     // [sequences, capacity, kv_heads, head_dim]
  const void* v_cache;
  const float* k_scales;  // [sequences, kv_heads, capacity] or [1]; null for bf16
  const float* v_scales;
  const int* lengths;  // [sequences]: positions that count
  float* partial;      // [sequences, q_heads, splits, head_dim]: sum of exp2(s - largest) v
  float* marks;        // [sequences, q_heads, splits, 2]: largest s, sum of exp2(s - largest)
  __nv_bfloat16* out;  // [sequences, q_heads, head_dim] where a block takes all splits of a sequence and joins them, else null
  int q_heads, kv_heads, q_stride, capacity, splits;
  bool scale_per_token;
  float scale;  // of q k, times log2(e)
};

template <class T, int kDim>
struct DecodeWarp {
  using Shape = DecodeShape<T, kDim>;
  using Loaded = Vector<Shape::kWords>;

  // Position of the sequence that element `n` of key tile `tile` stands for, and of value `i` of a step for lane t.
  __device__ __forceinline__ static int value_position(int step, int i, int t) {
    return 16 * step + 8 * (i / 2) + 2 * t + i % 2;
  }

  // q of head g as the left operand: the contraction index is permuted so that a lane holds kElements neighbours, the same
  // ones as of the keys. Rows g + 8 stay 0.
  __device__ __forceinline__ static void load_q(uint32_t (&q)[Shape::kKeyVectors][Shape::kElements / 2],
                                                const __nv_bfloat16* row, bool wanted, int t) {
#pragma unroll
    for (int c = 0; c < Shape::kKeyVectors; c++) {
#pragma unroll
      for (int part = 0; part < Shape::kElements / 8; part++) {
        const int d = (4 * c + t) * Shape::kElements + 8 * part;
        Vector<4> v = load_vector(Vector<4>{}, row + d, wanted && d < kDim);
#pragma unroll
        for (int i = 0; i < 4; i++) q[c][4 * part + i] = v.word[i];
      }
    }
  }

  // The keys of `count` positions, zeros behind them.
  __device__ __forceinline__ static void load_keys(Loaded (&k)[Shape::kKeyTiles][Shape::kKeyVectors], const T* keys, long long step,
                                                   int count, int g, int t) {
#pragma unroll
    for (int tile = 0; tile < Shape::kKeyTiles; tile++) {
#pragma unroll
      for (int c = 0; c < Shape::kKeyVectors; c++) {
        const int d = (4 * c + t) * Shape::kElements, position = 8 * tile + g;
        k[tile][c] = load_vector(Loaded{}, keys + position * step + d, position < count && d < kDim);
      }
    }
  }

  // s[tile][0..1]: q of head g times the keys of positions 8 tile + 2 t and + 1.
  __device__ __forceinline__ static void scores(float (&s)[Shape::kKeyTiles][4],
                                                const uint32_t (&q)[Shape::kKeyVectors][Shape::kElements / 2],
                                                const Loaded (&k)[Shape::kKeyTiles][Shape::kKeyVectors]) {
#pragma unroll
    for (int c = 0; c < Shape::kKeyVectors; c++) {
#pragma unroll
      for (int step = 0; step < Shape::kElements / 4; step++) {
        const uint32_t a[4] = {q[c][2 * step], 0, q[c][2 * step + 1], 0};
#pragma unroll
        for (int tile = 0; tile < Shape::kKeyTiles; tile++) {
          tensor_core::mma(s[tile], a, pair_along<T>(k[tile][c], 2 * step), pair_along<T>(k[tile][c], 2 * step + 1));
        }
      }
    }
  }

  // Turns scores into exp2(s - largest), sums them over the lanes that share a head, and packs them as the left operand:
  // rows g hold the bf16 part, rows g + 8, which no head uses, the rest of each number.
  __device__ __forceinline__ static void weights(uint32_t (&p)[Shape::kSteps][4], float (&s)[Shape::kKeyTiles][4],
                                                 const float (&v_scale)[Shape::kKeyTiles][2], float* largest, float* sum) {
    float top = -INFINITY, total = 0.0f;
#pragma unroll
    for (int tile = 0; tile < Shape::kKeyTiles; tile++) top = fmaxf(top, fmaxf(s[tile][0], s[tile][1]));
    top = reduce::over_lanes<reduce::Max, 4>(top);
    const float base = top == -INFINITY ? 0.0f : top;
#pragma unroll
    for (int tile = 0; tile < Shape::kKeyTiles; tile++) {
      float weight[2], coarse[2];
#pragma unroll
      for (int i = 0; i < 2; i++) {
        weight[i] = reduce::exp2_fast(__fsub_rn(s[tile][i], base));
        total = __fadd_rn(total, weight[i]);
        if constexpr (sizeof(T) == 1) weight[i] = __fmul_rn(weight[i], v_scale[tile][i]);
        coarse[i] = reduce::round_to_bf16(weight[i]);
      }
      p[tile / 2][2 * (tile % 2)] = numbers::floats_to_bf16x2(coarse[0], coarse[1]);
      p[tile / 2][2 * (tile % 2) + 1] =
          numbers::floats_to_bf16x2(__fsub_rn(weight[0], coarse[0]), __fsub_rn(weight[1], coarse[1]));
    }
    *largest = top;
    *sum = reduce::over_lanes<reduce::Sum, 4>(total);
  }

  // The columns of one pass: p times the values, rows g to shared memory.
  __device__ __forceinline__ static void values(float* row, const uint32_t (&p)[Shape::kSteps][4],
                                                const Loaded (&v)[Shape::kSteps][Shape::kValueVectors][4], int pass,
                                                bool wanted, int t) {
#pragma unroll
    for (int h = 0; h < Shape::kPassVectors; h++) {
      float sums[Shape::kElements][4] = {};
#pragma unroll
      for (int step = 0; step < Shape::kSteps; step++) {
        const Loaded(&from)[4] = v[step][pass * Shape::kPassVectors + h];
#pragma unroll
        for (int e = 0; e < Shape::kElements; e++) {
          tensor_core::mma(sums[e], p[step], pair_across<T>(from[0], from[1], e), pair_across<T>(from[2], from[3], e));
        }
      }
      if (!wanted) continue;
      // Column n of tile e is dimension kElements n + e: this lane holds those of n = 2 t and n = 2 t + 1.
#pragma unroll
      for (int side = 0; side < 2; side++) {
#pragma unroll
        for (int e = 0; e < Shape::kElements; e += 4) {
          float4 four = make_float4(sums[e][side] + sums[e][side + 2], sums[e + 1][side] + sums[e + 1][side + 2],
                                    sums[e + 2][side] + sums[e + 2][side + 2], sums[e + 3][side] + sums[e + 3][side + 2]);
          *reinterpret_cast<float4*>(row + (8 * h + 2 * t + side) * Shape::kElements + e) = four;
        }
      }
    }
  }
};

// Joins the warps' results of one pass in the order of the warps and writes them.
template <int kColumns, int kStride, int kDim>
__device__ __forceinline__ void join_warps(const float* results, const float (*largest)[kGroup], float* partial, int heads,
                                           long long head_step, int first_column) {
  for (int i = threadIdx.x; i < heads * kColumns; i += kDecodeThreads) {
    const int head = i / kColumns, column = i % kColumns;
    if (first_column + column >= kDim) continue;
    float top = largest[0][head], sum = 0.0f;
#pragma unroll
    for (int warp = 1; warp < kDecodeWarps; warp++) top = fmaxf(top, largest[warp][head]);
    const float base = top == -INFINITY ? 0.0f : top;
#pragma unroll
    for (int warp = 0; warp < kDecodeWarps; warp++) {
      sum = __fmaf_rn(reduce::exp2_fast(__fsub_rn(largest[warp][head], base)),
                      results[(warp * kGroup + head) * kStride + column], sum);
    }
    partial[head * head_step + first_column + column] = sum;
  }
}

// Largest score and sum of the warps' weights of head threadIdx.x.
__device__ __forceinline__ void join_marks(const float (*largest)[kGroup], const float (*sums)[kGroup], float* mark) {
  float high = largest[0][threadIdx.x], total = 0.0f;
#pragma unroll
  for (int w = 1; w < kDecodeWarps; w++) high = fmaxf(high, largest[w][threadIdx.x]);
  const float base = high == -INFINITY ? 0.0f : high;
#pragma unroll
  for (int w = 0; w < kDecodeWarps; w++) {
    total = __fmaf_rn(reduce::exp2_fast(__fsub_rn(largest[w][threadIdx.x], base)), sums[w][threadIdx.x], total);
  }
  mark[0] = high;
  mark[1] = total;
}

// Grid (kv_heads * groups of at most 8 query heads, splits, sequences), or one block for all splits of a sequence, which then joins
// them. Its warps ask for the keys of the next split while they use the values of this one.
template <class T, int kDim>
__device__ __forceinline__ void decode(const DecodeArguments& a) {
  using Shape = DecodeShape<T, kDim>;
  using Warp = DecodeWarp<T, kDim>;
  __shared__ alignas(16) float results[kDecodeWarps * kGroup * Shape::kStride];
  __shared__ float largest[kDecodeWarps][kGroup], sums[kDecodeWarps][kGroup];
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, g = lane / 4, t = lane % 4;
  const int ratio = a.q_heads / a.kv_heads, groups = ceil_div(ratio, kGroup);
  const int kv_head = blockIdx.x / groups, first = blockIdx.x % groups * kGroup;
  const int heads = min(kGroup, ratio - first), head = kv_head * ratio + first;
  const long long sequence = blockIdx.z;
  reduce::release_successor();
  reduce::wait_for_predecessor();
  const int length = min(a.lengths[sequence], a.capacity);
  int origin = blockIdx.y * Shape::kSplit + warp * Shape::kPositions;
  if (a.out == nullptr && static_cast<int>(blockIdx.y) * Shape::kSplit >= length) return;

  const long long step = static_cast<long long>(a.kv_heads) * kDim;
  const long long start = sequence * a.capacity * step + kv_head * kDim;
  const T* keys = static_cast<const T*>(a.k_cache) + start;
  const T* vectors = static_cast<const T*>(a.v_cache) + start;
  typename Warp::Loaded k[Shape::kKeyTiles][Shape::kKeyVectors], v[Shape::kSteps][Shape::kValueVectors][4];
  Warp::load_keys(k, keys + origin * step, step, length - origin, g, t);
  uint32_t q[Shape::kKeyVectors][Shape::kElements / 2];
  Warp::load_q(q, a.q + sequence * a.q_stride + (head + g) * kDim, g < heads, t);
  for (int split = blockIdx.y; split < a.splits && split * Shape::kSplit < length; split += gridDim.y) {
    const int count = length - origin;
    float k_scale[Shape::kKeyTiles][2], v_scale[Shape::kKeyTiles][2];
#pragma unroll
    for (int tile = 0; tile < Shape::kKeyTiles; tile++) {
#pragma unroll
      for (int i = 0; i < 2; i++) {
        const int position = 8 * tile + 2 * t + i;
        k_scale[tile][i] = v_scale[tile][i] = 1.0f;
        if (sizeof(T) == 1 && position < count) {
          const long long at = a.scale_per_token ? (sequence * a.kv_heads + kv_head) * a.capacity + origin + position : 0;
          k_scale[tile][i] = a.k_scales[at];
          v_scale[tile][i] = a.v_scales[at];
        }
      }
    }
#pragma unroll
    for (int s = 0; s < Shape::kSteps; s++) {
#pragma unroll
      for (int h = 0; h < Shape::kValueVectors; h++) {
#pragma unroll
        for (int i = 0; i < 4; i++) {
          const int d = (8 * h + g) * Shape::kElements, position = Warp::value_position(s, i, t);
          v[s][h][i] = load_vector(typename Warp::Loaded{}, vectors + (origin + position) * step + d, position < count && d < kDim);
        }
      }
    }

    float s[Shape::kKeyTiles][4] = {};
    Warp::scores(s, q, k);
    origin += gridDim.y * Shape::kSplit;
    Warp::load_keys(k, keys + origin * step, step, length - origin, g, t);
#pragma unroll
    for (int tile = 0; tile < Shape::kKeyTiles; tile++) {
#pragma unroll
      for (int i = 0; i < 2; i++) {
        const float scaled = __fmul_rn(__fmul_rn(s[tile][i], a.scale), k_scale[tile][i]);
        s[tile][i] = 8 * tile + 2 * t + i < count ? scaled : -INFINITY;
      }
    }
    uint32_t p[Shape::kSteps][4];
    float top, sum;
    Warp::weights(p, s, v_scale, &top, &sum);
    if (t == 0) {
      largest[warp][g] = top;
      sums[warp][g] = sum;
    }
    const long long slot = (sequence * a.q_heads + head) * a.splits + split;
#pragma unroll
    for (int pass = 0; pass < Shape::kPasses; pass++) {
      if (pass > 0) __syncthreads();
      Warp::values(results + (warp * kGroup + g) * Shape::kStride, p, v, pass, g < heads, t);
      __syncthreads();
      join_warps<Shape::kPassColumns, Shape::kStride, kDim>(results, largest, a.partial + slot * kDim, heads,
                                                            static_cast<long long>(a.splits) * kDim,
                                                            pass * Shape::kPassColumns);
    }
    if (threadIdx.x < heads) join_marks(largest, sums, a.marks + 2 * (slot + static_cast<long long>(threadIdx.x) * a.splits));
    __syncthreads();
  }
  if (a.out == nullptr) return;
  constexpr int kLanes = kDim / 4;
  for (int i = threadIdx.x / kLanes; i < heads && threadIdx.x / kLanes < kDecodeThreads / kLanes; i += kDecodeThreads / kLanes) {
    combine_row(a.partial, a.marks, length, a.out, kDim, Shape::kSplit, a.splits, sequence * a.q_heads + head + i, threadIdx.x % kLanes);
  }
}

}  // namespace attention
