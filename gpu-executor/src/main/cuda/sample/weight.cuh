// Weights of tokens as whole numbers. Every step is one IEEE operation, so that host, device and SamplingWeight.java agree to
// the bit.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

namespace sample {

#ifdef __CUDA_ARCH__
__device__ __forceinline__ float subtract(float a, float b) { return __fsub_rn(a, b); }
__device__ __forceinline__ float multiply(float a, float b) { return __fmul_rn(a, b); }
__device__ __forceinline__ float multiply_add(float a, float b, float c) { return __fmaf_rn(a, b, c); }
#else
inline float subtract(float a, float b) { return a - b; }
inline float multiply(float a, float b) { return a * b; }
inline float multiply_add(float a, float b, float c) { return std::fmaf(a, b, c); }
#endif

// floor(2^40 * exp((logit - largest) / temperature)), scale = 1 / (temperature ln 2); 0 below 2^-41, and for NaN. 2^x on [0, 1):
// polynomial of degree 6 through the seven Chebyshev nodes, its constant set to 1.
__host__ __device__ inline uint64_t weight(float logit, float largest, float scale) {
  const float exponent = multiply(subtract(logit, largest), scale);
  if (!(exponent > -41.0f)) return 0;
  const float whole = floorf(exponent), fraction = subtract(exponent, whole);
  float power = 0x1.ca8f0ap-13f;
  power = multiply_add(power, fraction, 0x1.44d4d2p-10f);
  power = multiply_add(power, fraction, 0x1.3d54d8p-7f);
  power = multiply_add(power, fraction, 0x1.c67f5p-5f);
  power = multiply_add(power, fraction, 0x1.ebfdf2p-3f);
  power = multiply_add(power, fraction, 0x1.62e428p-1f);
  power = multiply_add(power, fraction, 1.0f);
  const uint64_t mantissa = static_cast<uint64_t>(multiply(power, 8388608.0f));
  const int shift = 17 + static_cast<int>(whole);
  return shift >= 0 ? mantissa << shift : mantissa >> -shift;
}

// Bits of a logit in the order of its value; both zeros are one.
__host__ __device__ inline int key(float logit) {
#ifdef __CUDA_ARCH__
  const int bits = __float_as_int(__fadd_rn(logit, 0.0f));
#else
  const float value = logit + 0.0f;
  int bits;
  std::memcpy(&bits, &value, sizeof(bits));
#endif
  return bits ^ (bits >> 31 & 0x7FFFFFFF);
}

}  // namespace sample
