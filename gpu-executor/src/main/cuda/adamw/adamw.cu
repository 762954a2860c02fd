// One step of AdamW for one parameter, moments in 32, 8 or 4 bits.
//
// kernel                                  idea
// adamw_fp32, _8bit, _4bit, _fp8          a thread 8 elements; the largest magnitude of a block by its warp; codes of maps by tables
//                                         in shared memory
//
// Shapes: values, gradients [count] fp32; moments [count] fp32, [count] or [count / 2] bytes; scales [count / 256] or
// [count / 128] fp32; maps: two of maps.cuh, of the first and of the second moment. Bound: device memory, bytes an element: 28, 16,
// 14, 16.
// Bits are those of HostAdamW: every operation is an intrinsic with one rounding.
// Sources: Loshchilov and Hutter 2019 (AdamW), Dettmers et al. 2022 (8 bits), Li et al. 2023 (4 bits), Salmon et al. 2011 (Philox).
#include "step.cuh"

// Grid of any size, block 256. `maps` may be null where there are none.
#define ADAMW_KERNEL(name, State)                                                                                                \
  extern "C" __global__ void __launch_bounds__(adamw::kThreads) adamw_##name(                                                    \
      float* values, const float* gradients, void* first, float* first_scales, void* second, float* second_scales,               \
      const adamw::Map* maps, float gradient_factor, float decay, float first_weight, float second_weight, float first_correction, \
      float second_correction, float epsilon, float rate, int rounding, unsigned long long seed, int parameter, int number,      \
      long long count) {                                                                                                          \
    const adamw::Constants constants = {gradient_factor,  decay,   first_weight, second_weight,                                   \
                                        first_correction, second_correction, epsilon, rate};                                      \
    adamw::step<adamw::State>(values, gradients, {first, first_scales}, {second, second_scales}, maps, constants, rounding,       \
                              {seed, static_cast<uint32_t>(parameter), static_cast<uint32_t>(number)}, count);                    \
  }

ADAMW_KERNEL(fp32, Plain)
ADAMW_KERNEL(8bit, Bytes)
ADAMW_KERNEL(4bit, Halves)
ADAMW_KERNEL(fp8, Fp8)
