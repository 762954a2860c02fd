// Weights in their stored type: reading eight at a time, rounding to the type, ranges.
#pragma once

#include "numbers.cuh"
#include "scheme.cuh"

namespace quantize {

constexpr unsigned kFullWarp = 0xFFFFFFFFu;

// The largest range that no finite value leaves.
constexpr float kLargestFloat = 3.402823466e+38f;

struct Bf16 {
  static constexpr int kBytes = 2;
  static constexpr bool kRangeOfFp32 = true;
  // Near this even number the type has whole numbers alone, so that adding it rounds; codes of kWholeBits bits stay near.
  static constexpr float kWhole = 192.0f;
  static constexpr int kWholeBits = 6;
  static constexpr int kWords = 4;  // of eight weights
  static constexpr float kEpsilon = 0x1p-7f;
  static constexpr float kSmallestNormal = 0x1p-126f;

  __device__ __forceinline__ static float round(float value) { return numbers::round_bf16(value); }

  __device__ __forceinline__ static void round2(float& a, float& b) {
    uint32_t pair = numbers::floats_to_bf16x2(a, b);
    a = numbers::bf16x2_low(pair);
    b = numbers::bf16x2_high(pair);
  }

  __device__ __forceinline__ static float at(const unsigned char* weights, long long element) {
    return numbers::bf16_to_float(reinterpret_cast<const uint16_t*>(weights)[element]);
  }

  __device__ __forceinline__ static void put(unsigned char* to, long long element, float value) {
    reinterpret_cast<uint16_t*>(to)[element] = numbers::float_to_bf16(value);
  }

  __device__ __forceinline__ static float low(uint32_t pair) { return numbers::bf16x2_low(pair); }
  __device__ __forceinline__ static float high(uint32_t pair) { return numbers::bf16x2_high(pair); }
  __device__ __forceinline__ static uint32_t pair(float a, float b) { return numbers::floats_to_bf16x2(a, b); }

  __device__ __forceinline__ static uint32_t smaller(uint32_t a, uint32_t b) {
    uint32_t result;
    asm("min.NaN.bf16x2 %0, %1, %2;" : "=r"(result) : "r"(a), "r"(b));
    return result;
  }

  __device__ __forceinline__ static uint32_t larger(uint32_t a, uint32_t b) {
    uint32_t result;
    asm("max.NaN.bf16x2 %0, %1, %2;" : "=r"(result) : "r"(a), "r"(b));
    return result;
  }

  // Twice a number that is normal in the type; the compiler knows it where it knows the value.
  __device__ __forceinline__ static uint32_t twice(float value) {
    return 0x00010001u * (numbers::bits_of(value) >> 16);
  }

  // a * b + c, rounded once.
  __device__ __forceinline__ static uint32_t multiply_add2(uint32_t a, uint32_t b, uint32_t c) {
    uint32_t result;
    asm("fma.rn.bf16x2 %0, %1, %2, %3;" : "=r"(result) : "r"(a), "r"(b), "r"(c));
    return result;
  }

  // a - b, rounded once; negative where a is less.
  __device__ __forceinline__ static uint32_t subtract2(uint32_t a, uint32_t b) {
#if __CUDA_ARCH__ >= 900
    uint32_t result;
    asm("sub.rn.bf16x2 %0, %1, %2;" : "=r"(result) : "r"(a), "r"(b));
    return result;
#else
    return multiply_add2(a, twice(1.0f), b ^ 0x80008000u);
#endif
  }

  // 1 where they differ, else 0; neither is NaN.
  __device__ __forceinline__ static uint32_t unequal2(uint32_t a, uint32_t b) {
    uint32_t result;
#if __CUDA_ARCH__ >= 900
    asm("set.ne.bf16x2.bf16x2 %0, %1, %2;" : "=r"(result) : "r"(a), "r"(b));
#else
    result = ((a ^ b) & 0xFFFFu ? 0x3F80u : 0u) | ((a ^ b) >> 16 ? 0x3F800000u : 0u);
#endif
    return result;
  }
};

struct Fp16 {
  static constexpr int kBytes = 2;
  static constexpr bool kRangeOfFp32 = false;
  // Near this even number the type has whole numbers alone, so that adding it rounds; codes of kWholeBits bits stay near.
  static constexpr float kWhole = 1536.0f;
  static constexpr int kWholeBits = 8;
  static constexpr int kWords = 4;
  static constexpr float kEpsilon = 0x1p-10f;
  static constexpr float kSmallestNormal = 0x1p-14f;

  __device__ __forceinline__ static float round(float value) { return numbers::round_fp16(value); }

  __device__ __forceinline__ static void round2(float& a, float& b) {
    uint32_t pair = numbers::floats_to_fp16x2(a, b);
    a = numbers::fp16x2_low(pair);
    b = numbers::fp16x2_high(pair);
  }

  __device__ __forceinline__ static float at(const unsigned char* weights, long long element) {
    return numbers::fp16_to_float(reinterpret_cast<const uint16_t*>(weights)[element]);
  }

  __device__ __forceinline__ static void put(unsigned char* to, long long element, float value) {
    reinterpret_cast<uint16_t*>(to)[element] = numbers::float_to_fp16(value);
  }

  __device__ __forceinline__ static float low(uint32_t pair) { return numbers::fp16x2_low(pair); }
  __device__ __forceinline__ static float high(uint32_t pair) { return numbers::fp16x2_high(pair); }
  __device__ __forceinline__ static uint32_t pair(float a, float b) { return numbers::floats_to_fp16x2(a, b); }

  __device__ __forceinline__ static uint32_t smaller(uint32_t a, uint32_t b) {
    uint32_t result;
    asm("min.NaN.f16x2 %0, %1, %2;" : "=r"(result) : "r"(a), "r"(b));
    return result;
  }

  __device__ __forceinline__ static uint32_t larger(uint32_t a, uint32_t b) {
    uint32_t result;
    asm("max.NaN.f16x2 %0, %1, %2;" : "=r"(result) : "r"(a), "r"(b));
    return result;
  }

  // Twice a number that is normal in the type; the compiler knows it where it knows the value.
  __device__ __forceinline__ static uint32_t twice(float value) {
    return 0x00010001u * ((numbers::bits_of(value) >> 16 & 0x8000u) | ((numbers::bits_of(value) >> 13) - (112u << 10) & 0x7FFFu));
  }

  // a * b + c, rounded once.
  __device__ __forceinline__ static uint32_t multiply_add2(uint32_t a, uint32_t b, uint32_t c) {
    uint32_t result;
    asm("fma.rn.f16x2 %0, %1, %2, %3;" : "=r"(result) : "r"(a), "r"(b), "r"(c));
    return result;
  }

  // a - b, rounded once; negative where a is less.
  __device__ __forceinline__ static uint32_t subtract2(uint32_t a, uint32_t b) {
    uint32_t result;
    asm("sub.rn.f16x2 %0, %1, %2;" : "=r"(result) : "r"(a), "r"(b));
    return result;
  }

  // 1 where they differ, else 0; neither is NaN.
  __device__ __forceinline__ static uint32_t unequal2(uint32_t a, uint32_t b) {
    uint32_t result;
    asm("set.ne.f16x2.f16x2 %0, %1, %2;" : "=r"(result) : "r"(a), "r"(b));
    return result;
  }
};

struct Fp32 {
  static constexpr int kBytes = 4;
  static constexpr int kWords = 8;
  static constexpr float kEpsilon = 0x1p-23f;
  static constexpr float kSmallestNormal = 0x1p-126f;

  __device__ __forceinline__ static float round(float value) { return value; }

  __device__ __forceinline__ static void round2(float&, float&) {}

  __device__ __forceinline__ static float at(const unsigned char* weights, long long element) {
    return reinterpret_cast<const float*>(weights)[element];
  }

  __device__ __forceinline__ static void put(unsigned char* to, long long element, float value) {
    reinterpret_cast<float*>(to)[element] = value;
  }
};

// Eight weights side by side, as they lie in memory.
template <typename T>
struct Octet {
  uint32_t words[T::kWords];
};

// The eight weights from `element` on; the address is a multiple of 16. They are read once: L2 need not keep them.
template <typename T>
__device__ __forceinline__ Octet<T> load_octet(const unsigned char* weights, long long element) {
  Octet<T> octet;
  const uint4* from = reinterpret_cast<const uint4*>(weights + element * T::kBytes);
#pragma unroll
  for (int i = 0; i < T::kWords / 4; i++) {
    uint4 four = __ldcs(from + i);
    octet.words[4 * i] = four.x;
    octet.words[4 * i + 1] = four.y;
    octet.words[4 * i + 2] = four.z;
    octet.words[4 * i + 3] = four.w;
  }
  return octet;
}

template <typename T>
__device__ __forceinline__ Octet<T> zero_octet() {
  Octet<T> octet;
#pragma unroll
  for (int i = 0; i < T::kWords; i++) octet.words[i] = 0;
  return octet;
}

template <typename T>
__device__ __forceinline__ void unpack(const Octet<T>& octet, float (&values)[8]) {
#pragma unroll
  for (int i = 0; i < 4; i++) {
    if constexpr (T::kBytes == 4) {
      values[2 * i] = __uint_as_float(octet.words[2 * i]);
      values[2 * i + 1] = __uint_as_float(octet.words[2 * i + 1]);
    } else {
      values[2 * i] = T::low(octet.words[i]);
      values[2 * i + 1] = T::high(octet.words[i]);
    }
  }
}

// Writes eight numbers of the type; the address is a multiple of 16.
template <typename T>
__device__ __forceinline__ void store_weights(unsigned char* to, const float (&values)[8]) {
  uint4* out = reinterpret_cast<uint4*>(to);
  if constexpr (T::kBytes == 4) {
#pragma unroll
    for (int i = 0; i < 2; i++) {
      out[i] = make_uint4(__float_as_uint(values[4 * i]), __float_as_uint(values[4 * i + 1]),
                          __float_as_uint(values[4 * i + 2]), __float_as_uint(values[4 * i + 3]));
    }
  } else {
    out[0] = make_uint4(T::pair(values[0], values[1]), T::pair(values[2], values[3]), T::pair(values[4], values[5]),
                        T::pair(values[6], values[7]));
  }
}

// The range of both; infinite where one of them is.
__device__ __forceinline__ Range merge(const Range& a, const Range& b) {
  return {fminf(a.low, b.low), fmaxf(a.high, b.high)};
}

// The range over `threads` consecutive threads of a warp, a power of two. All threads of the warp call.
__device__ __forceinline__ Range over_threads(Range range, int threads) {
  for (int offset = threads / 2; offset > 0; offset /= 2) {
    Range other = {__shfl_xor_sync(kFullWarp, range.low, offset), __shfl_xor_sync(kFullWarp, range.high, offset)};
    range = merge(range, other);
  }
  return range;
}

// The range of eight weights; `high` is infinite when a NaN or an infinity is among them.
template <typename T>
__device__ __forceinline__ Range range_of(const Octet<T>& octet) {
  Range range;
  if constexpr (T::kBytes == 4) {
    float values[8];
    unpack<T>(octet, values);
    range = {0.0f, 0.0f};
    bool finite = true;
#pragma unroll
    for (int i = 0; i < 8; i++) {
      range = merge(range, {values[i], values[i]});
      finite = finite && numbers::is_finite(values[i]);
    }
    if (!finite) range.high = __int_as_float(0x7F800000);
  } else {
    uint32_t low = 0, high = 0;
#pragma unroll
    for (int i = 0; i < 4; i++) {
      low = T::smaller(low, octet.words[i]);
      high = T::larger(high, octet.words[i]);
    }
    low = T::smaller(low, low >> 16);
    high = T::larger(high, high >> 16);
    range = {T::low(low), T::low(high)};
    if (!(range.low >= -kLargestFloat && range.high <= kLargestFloat)) range.high = __int_as_float(0x7F800000);
  }
  return range;
}

// Smallest and largest of octets, as they are gathered: two weights at a time where weights have 16 bits. 0 is included.
template <typename T>
struct Extent {
  uint32_t low = 0, high = 0;

  __device__ __forceinline__ void add(const Octet<T>& octet) {
#pragma unroll
    for (int i = 0; i < T::kWords; i++) {
      low = T::smaller(low, octet.words[i]);
      high = T::larger(high, octet.words[i]);
    }
  }

  // The range over `threads` consecutive threads of a warp, a power of two; `high` is infinite when a NaN or an infinity is
  // among the weights. All threads of the warp call.
  __device__ __forceinline__ Range over_threads(int threads) const {
    // The largest weight in the lower half, the smallest in the upper one, negated: one maximum does for both.
    const uint32_t first = __byte_perm(high, low, 0x5410), second = __byte_perm(high, low, 0x7632);
    uint32_t both = T::larger(first ^ 0x80000000u, second ^ 0x80000000u);
    for (int offset = threads / 2; offset > 0; offset /= 2) both = T::larger(both, __shfl_xor_sync(kFullWarp, both, offset));
    Range range = {-T::high(both), T::low(both)};
    if (!(range.low >= -kLargestFloat && range.high <= kLargestFloat)) range.high = __int_as_float(0x7F800000);
    return range;
  }
};

template <>
struct Extent<Fp32> {
  Range range = {0.0f, 0.0f};

  __device__ __forceinline__ void add(const Octet<Fp32>& octet) { range = merge(range, range_of<Fp32>(octet)); }

  __device__ __forceinline__ Range over_threads(int threads) const { return quantize::over_threads(range, threads); }
};

// The same over finite weights alone.
template <typename T>
__device__ __forceinline__ Range finite_range_of(const Octet<T>& octet) {
  float values[8];
  unpack<T>(octet, values);
  Range range = {0.0f, 0.0f};
#pragma unroll
  for (int i = 0; i < 8; i++) {
    float value = numbers::is_finite(values[i]) ? values[i] : 0.0f;
    range = merge(range, {value, value});
  }
  return range;
}

// The range over a block of whole warps, from that of each. `partial` holds 32 and may be used again after the next barrier.
__device__ __forceinline__ Range over_warps(Range range, Range* partial) {
  if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = range;
  __syncthreads();
  Range whole = partial[0];
  for (int warp = 1; warp < static_cast<int>(blockDim.x) / 32; warp++) whole = merge(whole, partial[warp]);
  return whole;
}

// What a block finds out about weights that its threads hold, and that share a scale. `partial` holds 64.
template <typename T, int kCount>
__device__ __forceinline__ Range range_of_block(const Octet<T> (&held)[kCount], Range* partial, bool& finite) {
  Extent<T> extent;
#pragma unroll
  for (int i = 0; i < kCount; i++) extent.add(held[i]);
  Range range = over_warps(extent.over_threads(32), partial);
  finite = range.finite();
  if (finite) return range;
  range = {0.0f, 0.0f};
#pragma unroll
  for (int i = 0; i < kCount; i++) range = merge(range, finite_range_of<T>(held[i]));
  return over_warps(over_threads(range, 32), partial + 32);
}

}  // namespace quantize
