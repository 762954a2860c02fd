// Fake quantization for training: numbers as a loader makes them of their codes, and gradients back through that.
//
// kernel                              idea
// fake_forward_<in>_<type>_<out>      a team of threads for each scale: range and scale, or a learned scale; then the numbers
// fake_cut_off_<in>_<type>_<gradient> the same, then zeros into the gradient where a number was cut off
// fake_backward_<type>                a team for each row and learned scale: the gradient, and sums for scale and zero point
// fake_add_sums                       a thread for each learned scale adds the sums of its rows
// fake_tensor_<type>                  one thread: the scale or factor of a whole tensor, of its range
//
// <in>, <out>, <gradient>: the type in memory. <type>: the one numbers are rounded to first, and scales inherit.
// Shapes (last axis contiguous): x, out, gradient [rows, columns]; learned scales and zero points [bands, groups] fp32; sums
// [rows, groups] fp64 pairs. Bound: device memory; reads of a group after the first come from L1.
// Numbers are those of quantize, to the bit; gradients those of FakeQuantizer but for the order of fp64 sums.
// Sources: Bengio et al. 2013 (straight-through), Esser et al. 2020 (LSQ), Bhalgat et al. 2020 (LSQ+).
#include "passes.cuh"

using quantize::Bf16;
using quantize::Fp16;
using quantize::Fp32;

// What all begin with. Block 256, grid ceil(teams * threads / 256), teams = ceil(rows / team_rows) * groups.
#define FAKE_ARGUMENTS                                                                                                           \
  const unsigned char *x, const float *scales, const float *zero_points, const float4 *tensor, int rows, int columns, int rule, \
      int format, int bits, int storage, int grid_rows, int grid_columns, int groups, int team_rows, int threads
#define FAKE_PARTS                                                                                                              \
  const fake::Matrix matrix = {x, scales, zero_points, tensor, rows, columns};                                                  \
  const fake::Scheme scheme = {rule, format, bits, storage};                                                                    \
  const fake::Grid grid = {grid_rows, grid_columns, groups, team_rows, threads};

#define FAKE_FORWARD(in, In, type, T, out, Out)                                                                                 \
  extern "C" __global__ void __launch_bounds__(fake::kThreads)                                                                  \
      fake_forward_##in##_##type##_##out(FAKE_ARGUMENTS, unsigned char* to) {                                                   \
    FAKE_PARTS fake::forward<In, T, Out>(matrix, to, scheme, grid);                                                             \
  }
FAKE_FORWARD(fp32, Fp32, fp32, Fp32, fp32, Fp32)
FAKE_FORWARD(fp32, Fp32, fp32, Fp32, bf16, Bf16)
FAKE_FORWARD(fp32, Fp32, bf16, Bf16, fp32, Fp32)
FAKE_FORWARD(fp32, Fp32, bf16, Bf16, bf16, Bf16)
FAKE_FORWARD(fp32, Fp32, fp16, Fp16, fp32, Fp32)
FAKE_FORWARD(fp32, Fp32, fp16, Fp16, bf16, Bf16)
FAKE_FORWARD(bf16, Bf16, fp32, Fp32, bf16, Bf16)

#define FAKE_CUT_OFF(in, In, type, T, of, Gradient)                                                                             \
  extern "C" __global__ void __launch_bounds__(fake::kThreads)                                                                  \
      fake_cut_off_##in##_##type##_##of(FAKE_ARGUMENTS, unsigned char* gradient) {                                              \
    FAKE_PARTS fake::cut_off<In, T, Gradient>(matrix, gradient, scheme, grid);                                                  \
  }
FAKE_CUT_OFF(fp32, Fp32, fp32, Fp32, fp32, Fp32)
FAKE_CUT_OFF(fp32, Fp32, bf16, Bf16, fp32, Fp32)
FAKE_CUT_OFF(fp32, Fp32, fp16, Fp16, fp32, Fp32)
FAKE_CUT_OFF(bf16, Bf16, fp32, Fp32, bf16, Bf16)

#define FAKE_BACKWARD(type, T)                                                                                                  \
  extern "C" __global__ void __launch_bounds__(fake::kThreads)                                                                  \
      fake_backward_##type(FAKE_ARGUMENTS, unsigned char* gradient, double2* sums) {                                            \
    FAKE_PARTS fake::backward<T>(matrix, gradient, sums, scheme, grid);                                                         \
  }
FAKE_BACKWARD(fp32, Fp32)
FAKE_BACKWARD(bf16, Bf16)
FAKE_BACKWARD(fp16, Fp16)

// Grid ceil(bands * groups / 256). `zero_points` may be null.
extern "C" __global__ void __launch_bounds__(fake::kThreads)
    fake_add_sums(const double2* sums, float* scales, float* zero_points, int rows, int groups, int band, float factor) {
  fake::add_sums(sums, scales, zero_points, rows, groups, band, factor);
}

#define FAKE_TENSOR(type, T)                                                                                                    \
  extern "C" __global__ void fake_tensor_##type(const int* keys, float4* tensor, int rule, int format, int bits, int storage) { \
    fake::tensor_scale<T>(keys, tensor, {rule, format, bits, storage});                                                         \
  }
FAKE_TENSOR(fp32, Fp32)
FAKE_TENSOR(bf16, Bf16)
FAKE_TENSOR(fp16, Fp16)
