// Sums and maxima in a fixed order, 2^x, 16-byte vectors of bf16, and programmatic dependent launch for every device.
// Every reduction here has one order that depends on the number of threads alone: the same bits in every run.
#pragma once

#include <cmath>
#include <cstdint>

#include <cuda_bf16.h>

namespace reduce {

constexpr unsigned kFullWarp = 0xFFFFFFFFu;

// Waits until the kernels launched before this one have finished and their writes are visible. Nothing happens on devices
// older than Hopper, or when the launch did not ask for the overlap.
__device__ __forceinline__ void wait_for_predecessor() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

// Lets the next kernel of the stream start its prologue now; it still waits for this one before it reads.
__device__ __forceinline__ void release_successor() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

// The larger of two; NaN when one is NaN (fmaxf would drop it).
__device__ __forceinline__ float max_nan(float a, float b) {
  float result;
  asm("max.NaN.f32 %0, %1, %2;" : "=f"(result) : "f"(a), "f"(b));
  return result;
}

// The smaller of two; NaN when one is NaN.
__device__ __forceinline__ float min_nan(float a, float b) {
  float result;
  asm("min.NaN.f32 %0, %1, %2;" : "=f"(result) : "f"(a), "f"(b));
  return result;
}

// 2^x within 2 ulp, results below 2^-126 become 0; 0 for -inf, NaN for NaN.
__device__ __forceinline__ float exp2_fast(float x) {
  float result;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(x));
  return result;
}

constexpr float kLog2E = 1.4426950408889634f;

struct Sum {
  static constexpr float kNeutral = 0.0f;
  __device__ __forceinline__ static float of(float a, float b) { return __fadd_rn(a, b); }
};

// NaN is passed over.
struct Max {
  static constexpr float kNeutral = -INFINITY;
  __device__ __forceinline__ static float of(float a, float b) { return fmaxf(a, b); }
};

// For amax: operands are not negative.
struct MaxNan {
  static constexpr float kNeutral = 0.0f;
  __device__ __forceinline__ static float of(float a, float b) { return max_nan(a, b); }
};

// Over the `Lanes` (a power of two) consecutive lanes that the caller belongs to; all of them get the result. Every lane
// of the warp must call.
template <class Op, int Lanes>
__device__ __forceinline__ float over_lanes(float value) {
#pragma unroll
  for (int offset = Lanes / 2; offset > 0; offset /= 2) {
    value = Op::of(value, __shfl_xor_sync(kFullWarp, value, offset));
  }
  return value;
}

template <class Op>
__device__ __forceinline__ float over_warp(float value) {
  return over_lanes<Op, 32>(value);
}

// Over a block of whole warps; every thread gets the result. `scratch` holds 32 floats and may be used again after the
// caller's next barrier.
template <class Op>
__device__ __forceinline__ float over_block(float value, float* scratch) {
  int lane = threadIdx.x % 32, warps = blockDim.x / 32;
  value = over_warp<Op>(value);
  if (lane == 0) scratch[threadIdx.x / 32] = value;
  __syncthreads();
  return over_warp<Op>(lane < warps ? scratch[lane] : Op::kNeutral);
}

// Eight bf16, the unit of every 16-byte access.
struct alignas(16) Bf16x8 {
  __nv_bfloat162 pair[4];
};

__device__ __forceinline__ void unpack(const Bf16x8& packed, float (&values)[8]) {
#pragma unroll
  for (int i = 0; i < 4; i++) {
    float2 two = __bfloat1622float2(packed.pair[i]);
    values[2 * i] = two.x;
    values[2 * i + 1] = two.y;
  }
}

// Rounds to nearest, ties to even.
__device__ __forceinline__ Bf16x8 pack(const float (&values)[8]) {
  Bf16x8 packed;
#pragma unroll
  for (int i = 0; i < 4; i++) packed.pair[i] = __floats2bfloat162_rn(values[2 * i], values[2 * i + 1]);
  return packed;
}

__device__ __forceinline__ float round_to_bf16(float value) { return __bfloat162float(__float2bfloat16_rn(value)); }

// The vector at `base` + 8 * `index` elements; `base` is 16-byte aligned.
__device__ __forceinline__ Bf16x8 load8(const __nv_bfloat16* base, long long index) {
  return reinterpret_cast<const Bf16x8*>(base)[index];
}

__device__ __forceinline__ void store8(__nv_bfloat16* base, long long index, const Bf16x8& packed) {
  reinterpret_cast<Bf16x8*>(base)[index] = packed;
}

}  // namespace reduce
