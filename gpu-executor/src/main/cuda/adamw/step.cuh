// One step of one parameter: the operations of org.sparkao.gpu.optimizer.HostAdamW, in its order, each rounded once.
#pragma once

#include "../sample/philox.cuh"
#include "reduce.cuh"
#include "states.cuh"

namespace adamw {

constexpr int kThreads = 256;

// The constants of AdamWStep.
struct Constants {
  float gradient_factor;
  float decay;
  float first_weight;
  float second_weight;
  float first_correction;
  float second_correction;
  float epsilon;
  float rate;
};

// How values are rounded: TrainedParameter.Rounding.
enum Rounding { kFp32 = 0, kBf16 = 1, kBf16Stochastic = 2 };

// What stochastic rounding draws by, beside the element.
struct Draws {
  unsigned long long seed;
  uint32_t parameter;
  uint32_t step;
};

// Codes and scales of a moment.
struct Moment {
  void* codes;
  float* scales;
};

// torch.lerp, which begins at the nearer end.
__device__ __forceinline__ float towards(float from, float to, float weight) {
  if (weight < 0.5f) return __fadd_rn(from, __fmul_rn(weight, __fsub_rn(to, from)));
  return __fsub_rn(to, __fmul_rn(__fsub_rn(to, from), __fsub_rn(1.0f, weight)));
}

// Away from zero when 16 random bits are below those that are cut off; NaN and infinities stay.
__device__ __forceinline__ float round_at_random(float value, uint32_t random) {
  if (!numbers::is_finite(value)) return value;
  const uint32_t bits = __float_as_uint(value);
  return __uint_as_float((bits & 0xFFFF0000u) + (random < (bits & 0xFFFFu) ? 0x10000u : 0u));
}

// Element i takes half-word i mod 8 of the words of counter (i / 8, its upper half, parameter, step).
__device__ __forceinline__ void round_all(float (&values)[kEach], int rounding, const Draws& draws, long long element) {
  if (rounding == kBf16) {
#pragma unroll
    for (int i = 0; i < kEach; i++) values[i] = numbers::round_bf16(values[i]);
  } else if (rounding == kBf16Stochastic) {
    const unsigned long long block = static_cast<unsigned long long>(element) / kEach;
    const sample::Words counter = {{static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32), draws.parameter, draws.step}};
    const sample::Words words = sample::philox(counter, static_cast<uint32_t>(draws.seed), static_cast<uint32_t>(draws.seed >> 32));
#pragma unroll
    for (int i = 0; i < kEach; i++) values[i] = round_at_random(values[i], words.x[i / 2] >> i % 2 * 16 & 0xFFFFu);
  }
}

// Values and gradients [count] fp32, moments of one format. Blocks of elements never leave a warp. A grid of any size.
template <class State>
__device__ __forceinline__ void step(float* values, const float* gradients, Moment first, Moment second, const Map* maps,
                                     const Constants& c, int rounding, const Draws& draws, long long count) {
  __shared__ Map held[State::kMapped ? 2 : 1];
  reduce::release_successor();
  if constexpr (State::kMapped) {
    constexpr int kWords = 2 * sizeof(Map) / sizeof(uint32_t);
    for (int i = threadIdx.x; i < kWords; i += kThreads) {
      reinterpret_cast<uint32_t*>(held)[i] = reinterpret_cast<const uint32_t*>(maps)[i];
    }
    __syncthreads();
  }
  // Tables are older than any launch.
  reduce::wait_for_predecessor();
  const Map& map1 = held[0];
  const Map& map2 = held[State::kMapped ? 1 : 0];
  const long long stride = static_cast<long long>(gridDim.x) * kThreads * kEach;
  const long long begin = (static_cast<long long>(blockIdx.x) * kThreads + threadIdx.x) * kEach;
  // The threads of a warp stay together.
  for (long long element = begin; element - threadIdx.x % 32 * kEach < count; element += stride) {
    float p[kEach], g[kEach], m[kEach], v[kEach];
    load_floats(values, element, count, p);
    load_floats(gradients, element, count, g);
#pragma unroll
    for (int i = 0; i < kEach; i++) m[i] = v[i] = 0.0f;
    State::load(first.codes, first.scales, map1, element, count, m);
    State::load(second.codes, second.scales, map2, element, count, v);
#pragma unroll
    for (int i = 0; i < kEach; i++) {
      const float gradient = __fmul_rn(g[i], c.gradient_factor);
      p[i] = __fsub_rn(p[i], __fmul_rn(c.decay, p[i]));
      m[i] = towards(m[i], gradient, c.first_weight);
      v[i] = towards(v[i], __fmul_rn(gradient, gradient), c.second_weight);
      const float root = __fadd_rn(__fdiv_rn(__fsqrt_rn(v[i]), c.second_correction), c.epsilon);
      p[i] = __fsub_rn(p[i], __fdiv_rn(__fmul_rn(c.rate, __fdiv_rn(m[i], c.first_correction)), root));
    }
    State::store(first.codes, first.scales, map1, element, count, m);
    State::store(second.codes, second.scales, map2, element, count, v);
    round_all(p, rounding, draws, element);
    store_floats(values, element, count, p);
  }
}

}  // namespace adamw
