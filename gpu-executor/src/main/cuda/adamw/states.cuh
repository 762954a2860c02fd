// Moments in memory, eight elements a thread: numbers, and codes with a scale a block (org.sparkao.gpu.optimizer.StateCodec).
#pragma once

#include "maps.cuh"
#include "numbers.cuh"

namespace adamw {

// Elements of a thread, side by side.
constexpr int kEach = 8;
constexpr unsigned kFullWarp = 0xFFFFFFFFu;

// The largest magnitude over `threads` neighbours, at least 1e-12; NaN is left out. All threads of a warp call.
template <int kThreads>
__device__ __forceinline__ float largest(const float (&values)[kEach]) {
  float found = 1e-12f;
#pragma unroll
  for (int i = 0; i < kEach; i++) found = fmaxf(found, fabsf(values[i]));
#pragma unroll
  for (int offset = kThreads / 2; offset > 0; offset /= 2) found = fmaxf(found, __shfl_xor_sync(kFullWarp, found, offset));
  return found;
}

__device__ __forceinline__ void load_floats(const float* from, long long element, long long count, float (&values)[kEach]) {
  if (element + kEach <= count && (reinterpret_cast<uintptr_t>(from) & 15) == 0) {
    const float4* at = reinterpret_cast<const float4*>(from + element);
    const float4 low = at[0], high = at[1];
    values[0] = low.x, values[1] = low.y, values[2] = low.z, values[3] = low.w;
    values[4] = high.x, values[5] = high.y, values[6] = high.z, values[7] = high.w;
    return;
  }
#pragma unroll
  for (int i = 0; i < kEach; i++) values[i] = element + i < count ? from[element + i] : 0.0f;
}

__device__ __forceinline__ void store_floats(float* to, long long element, long long count, const float (&values)[kEach]) {
  if (element + kEach <= count && (reinterpret_cast<uintptr_t>(to) & 15) == 0) {
    float4* at = reinterpret_cast<float4*>(to + element);
    at[0] = make_float4(values[0], values[1], values[2], values[3]);
    at[1] = make_float4(values[4], values[5], values[6], values[7]);
    return;
  }
#pragma unroll
  for (int i = 0; i < kEach; i++) {
    if (element + i < count) to[element + i] = values[i];
  }
}

// fp32. `scales` and `map` are not read.
struct Plain {
  static constexpr bool kMapped = false;

  static __device__ __forceinline__ void load(const void* codes, const float*, const Map&, long long element, long long count,
                                              float (&values)[kEach]) {
    load_floats(static_cast<const float*>(codes), element, count, values);
  }

  static __device__ __forceinline__ void store(void* codes, float*, const Map&, long long element, long long count,
                                               const float (&values)[kEach]) {
    store_floats(static_cast<float*>(codes), element, count, values);
  }
};

// Places in a map of 256 numbers, one a byte, blocks of 256.
struct Bytes {
  static constexpr bool kMapped = true;

  static __device__ __forceinline__ void load(const void* codes, const float* scales, const Map& map, long long element,
                                              long long count, float (&values)[kEach]) {
    if (element >= count) return;
    const uint2 word = static_cast<const uint2*>(codes)[element / kEach];
    const float scale = scales[element / 256];
#pragma unroll
    for (int i = 0; i < kEach; i++) {
      values[i] = __fmul_rn(map.numbers[(i < 4 ? word.x : word.y) >> i % 4 * 8 & 0xFF], scale);
    }
  }

  static __device__ __forceinline__ void store(void* codes, float* scales, const Map& map, long long element, long long count,
                                               const float (&values)[kEach]) {
    const float scale = largest<32>(values);
    if (element >= count) return;
    uint2 word = make_uint2(0, 0);
#pragma unroll
    for (int i = 0; i < kEach; i++) {
      const uint32_t code = code_of(map, __fdiv_rn(values[i], scale));
      (i < 4 ? word.x : word.y) |= code << i % 4 * 8;
    }
    static_cast<uint2*>(codes)[element / kEach] = word;
    if (element % 256 == 0) scales[element / 256] = scale;
  }
};

// Places in a map of 16 numbers, two a byte, the even one in the high half; blocks of 128.
struct Halves {
  static constexpr bool kMapped = true;

  static __device__ __forceinline__ int shift(int i) { return i / 2 * 8 + (i % 2 == 0 ? 4 : 0); }

  static __device__ __forceinline__ void load(const void* codes, const float* scales, const Map& map, long long element,
                                              long long count, float (&values)[kEach]) {
    if (element >= count) return;
    const uint32_t word = static_cast<const uint32_t*>(codes)[element / kEach];
    const float scale = scales[element / 128];
#pragma unroll
    for (int i = 0; i < kEach; i++) values[i] = __fmul_rn(map.numbers[word >> shift(i) & 0xF], scale);
  }

  static __device__ __forceinline__ void store(void* codes, float* scales, const Map& map, long long element, long long count,
                                               const float (&values)[kEach]) {
    const float scale = largest<16>(values);
    if (element >= count) return;
    uint32_t word = 0;
#pragma unroll
    for (int i = 0; i < kEach; i++) word |= static_cast<uint32_t>(code_of(map, __fdiv_rn(values[i], scale))) << shift(i);
    static_cast<uint32_t*>(codes)[element / kEach] = word;
    if (element % 128 == 0) scales[element / 128] = scale;
  }
};

// e4m3, blocks of 256.
struct Fp8 {
  static constexpr bool kMapped = false;

  static __device__ __forceinline__ void load(const void* codes, const float* scales, const Map&, long long element,
                                              long long count, float (&values)[kEach]) {
    if (element >= count) return;
    const uint2 word = static_cast<const uint2*>(codes)[element / kEach];
    const float scale = scales[element / 256];
#pragma unroll
    for (int i = 0; i < kEach; i++) {
      const uint32_t code = (i < 4 ? word.x : word.y) >> i % 4 * 8 & 0xFF;
      values[i] = __fmul_rn(numbers::e4m3_to_float(static_cast<uint8_t>(code)), scale);
    }
  }

  static __device__ __forceinline__ void store(void* codes, float* scales, const Map&, long long element, long long count,
                                               const float (&values)[kEach]) {
    const float scale = __fdiv_rn(largest<32>(values), 448.0f);
    if (element >= count) return;
    uint2 word = make_uint2(0, 0);
#pragma unroll
    for (int i = 0; i < kEach; i++) {
      const uint32_t code = numbers::float_to_e4m3(__fdiv_rn(values[i], scale));
      (i < 4 ? word.x : word.y) |= code << i % 4 * 8;
    }
    static_cast<uint2*>(codes)[element / kEach] = word;
    if (element % 256 == 0) scales[element / 256] = scale;
  }
};

}  // namespace adamw
