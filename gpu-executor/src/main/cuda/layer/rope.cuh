// The heads of one row of q, k and v: optional RMSNorm a head, rotation in place, and append of k and v to the cache.
#pragma once

#include "numbers.cuh"
#include "reduce.cuh"

namespace layer {

constexpr int kHeadThreads = 128;

// The codes of a cache: largest number, and the code of x / scale.
template <class T>
struct CacheCode;

template <>
struct CacheCode<int8_t> {
  static constexpr float kLargest = 127.0f;
  __device__ __forceinline__ static unsigned of(float ratio) {
    return static_cast<unsigned>(__float2int_rn(fminf(fmaxf(ratio, -127.0f), 127.0f))) & 0xFFu;
  }
};

// e4m3fn.
template <>
struct CacheCode<uint8_t> {
  static constexpr float kLargest = 448.0f;
  __device__ __forceinline__ static unsigned of(float ratio) { return numbers::float_to_e4m3(ratio); }
};

// The arguments of rope_append, as the kernels of layer.cu take them.
template <class T>
struct Heads {
  __nv_bfloat16* qkv;             // [M, (q_heads + 2 kv_heads) * head_dim]
  const int* positions;           // [M]; a row with a negative position is left alone
  const int* sequences;           // [M] or null: row m belongs to sequence m
  const float* cosines;           // [positions, head_dim / 2] or null: no rotation
  const float* sines;             // likewise
  const __nv_bfloat16* q_weight;  // [head_dim] or null: no norm of q
  const __nv_bfloat16* k_weight;  // [head_dim] or null: no norm of k
  T* k_cache;                     // [sequences, capacity, kv_heads, head_dim] or null: no append
  T* v_cache;                     // likewise
  float* k_scales;                // [sequences, kv_heads, capacity], written, or [1], read; null for bf16
  float* v_scales;                // likewise
  int q_heads, kv_heads, head_dim, capacity;
  bool scale_per_token;
  float epsilon;
};

template <class T>
__device__ __forceinline__ uint2 encode8(const float (&values)[8], float scale) {
  unsigned word[2] = {0, 0};
#pragma unroll
  for (int i = 0; i < 8; i++) word[i / 4] |= CacheCode<T>::of(__fdiv_rn(values[i], scale)) << 8 * (i % 4);
  return make_uint2(word[0], word[1]);
}

// Stores the two halves of a head that this lane holds at `at` and half a head behind; all lanes of the group call.
template <int kLanes, class T>
__device__ __forceinline__ void append(T* at, float* scale_at, bool per_token, int half, bool active,
                                       const float (&low)[8], const float (&high)[8]) {
  if constexpr (sizeof(T) == 2) {
    if (active) {
      reduce::store8(at, 0, reduce::pack(low));
      reduce::store8(at + half, 0, reduce::pack(high));
    }
  } else {
    float largest = 0.0f;
#pragma unroll
    for (int i = 0; i < 8; i++) largest = reduce::max_nan(largest, reduce::max_nan(fabsf(low[i]), fabsf(high[i])));
    largest = reduce::over_lanes<reduce::MaxNan, kLanes>(active ? largest : 0.0f);
    if (!active) return;
    float scale = largest == 0.0f ? 1.0f : __fdiv_rn(largest, CacheCode<T>::kLargest);
    if (!per_token) {
      scale = *scale_at;
    } else if (threadIdx.x % kLanes == 0) {
      *scale_at = scale;
    }
    *reinterpret_cast<uint2*>(at) = encode8<T>(low, scale);
    *reinterpret_cast<uint2*>(at + half) = encode8<T>(high, scale);
  }
}

// x = bf16(bf16(x / rms) * weight), as the norm of a whole row.
template <int kLanes>
__device__ __forceinline__ void norm_head(const __nv_bfloat16* weight, int head_dim, float epsilon, bool active,
                                          float (&low)[8], float (&high)[8]) {
  float squares = 0.0f;
#pragma unroll
  for (int i = 0; i < 8; i++) squares = __fmaf_rn(low[i], low[i], __fmaf_rn(high[i], high[i], squares));
  squares = reduce::over_lanes<reduce::Sum, kLanes>(active ? squares : 0.0f);
  if (!active) return;
  float mean = __fdiv_rn(squares, static_cast<float>(head_dim));
  float factor = __fdiv_rn(1.0f, __fsqrt_rn(__fadd_rn(mean, epsilon)));
  const int lane = threadIdx.x % kLanes;
  float first[8], second[8];
  reduce::unpack(reduce::load8(weight, lane), first);
  reduce::unpack(reduce::load8(weight + head_dim / 2, lane), second);
#pragma unroll
  for (int i = 0; i < 8; i++) {
    low[i] = reduce::round_to_bf16(__fmul_rn(reduce::round_to_bf16(__fmul_rn(low[i], factor)), first[i]));
    high[i] = reduce::round_to_bf16(__fmul_rn(reduce::round_to_bf16(__fmul_rn(high[i], factor)), second[i]));
  }
}

// Pairs (i, i + head_dim / 2) turn by the angle of the table; the result is rounded to bf16.
__device__ __forceinline__ void rotate(const float* cosines, const float* sines, float (&low)[8], float (&high)[8]) {
  alignas(16) float c[8], s[8];
#pragma unroll
  for (int i = 0; i < 2; i++) {
    reinterpret_cast<float4*>(c)[i] = reinterpret_cast<const float4*>(cosines)[i];
    reinterpret_cast<float4*>(s)[i] = reinterpret_cast<const float4*>(sines)[i];
  }
#pragma unroll
  for (int i = 0; i < 8; i++) {
    float x = low[i], y = high[i];
    low[i] = reduce::round_to_bf16(__fmaf_rn(x, c[i], -__fmul_rn(y, s[i])));
    high[i] = reduce::round_to_bf16(__fmaf_rn(y, c[i], __fmul_rn(x, s[i])));
  }
}

// kLanes lanes hold a head, 16 elements each: 8 of its first half and the 8 that turn with them.
template <int kLanes, class T>
__device__ __forceinline__ void head_of_row(const Heads<T>& a) {
  const long long row = blockIdx.x;
  const int head = blockIdx.y * (kHeadThreads / kLanes) + threadIdx.x / kLanes;
  const int lane = threadIdx.x % kLanes, half = a.head_dim / 2;
  const int heads = a.q_heads + 2 * a.kv_heads;
  const bool is_q = head < a.q_heads, is_v = head >= a.q_heads + a.kv_heads;
  const int position = a.positions[row];
  const bool active = head < heads && 8 * lane < half && position >= 0;
  float low[8] = {}, high[8] = {};
  __nv_bfloat16* x = a.qkv + (row * heads + head) * a.head_dim + 8 * lane;
  if (active) {
    reduce::Bf16x8 first = reduce::load8(x, 0), second = reduce::load8(x + half, 0);
    reduce::unpack(first, low);
    reduce::unpack(second, high);
  }
  const __nv_bfloat16* weight = is_q ? a.q_weight : a.k_weight;
  const bool norms = a.q_weight != nullptr || a.k_weight != nullptr;
  if (norms) {
    norm_head<kLanes>(weight, a.head_dim, a.epsilon, active && !is_v && weight != nullptr, low, high);
  }
  if (active && !is_v) {
    if (a.cosines != nullptr) {
      const long long angle = static_cast<long long>(position) * half + 8 * lane;
      rotate(a.cosines + angle, a.sines + angle, low, high);
    }
    if (norms || a.cosines != nullptr) {
      reduce::store8(x, 0, reduce::pack(low));
      reduce::store8(x + half, 0, reduce::pack(high));
    }
  }
  if (a.k_cache == nullptr) return;
  const bool appended = active && !is_q && position < a.capacity;
  const long long sequence = a.sequences == nullptr ? row : a.sequences[row];
  const int kv_head = head - a.q_heads - (is_v ? a.kv_heads : 0);
  T* at = (is_v ? a.v_cache : a.k_cache) + ((sequence * a.capacity + position) * a.kv_heads + kv_head) * a.head_dim;
  float* scale_at = is_v ? a.v_scales : a.k_scales;
  if (a.scale_per_token) scale_at += (sequence * a.kv_heads + kv_head) * a.capacity + position;
  append<kLanes>(at + 8 * lane, scale_at, a.scale_per_token, half, appended, low, high);
}

// Rows along grid x, heads along grid y: kHeadThreads / lanes of them a block, lanes = 4, 8, 16 for head_dim up to 64, 128,
// 256.
template <class T>
__device__ __forceinline__ void rope_append(const Heads<T>& a) {
  reduce::release_successor();
  reduce::wait_for_predecessor();
  if (a.head_dim <= 64) {
    head_of_row<4>(a);
  } else if (a.head_dim <= 128) {
    head_of_row<8>(a);
  } else {
    head_of_row<16>(a);
  }
}

}  // namespace layer
