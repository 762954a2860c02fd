// Linear layers of training with fp8 products: what makes fp8 operands of x, W and dy, and two of the three products. Tokens x [T, K],
// weights W [N, K], outputs y [T, N] (last axis contiguous).
//
// kernel                              result
// train_float8_amax_tensor            the largest magnitude of a matrix
// train_float8_amax_rows              of every row and every column, in one pass
// train_float8_cast_<format>_tensor   codes of a matrix and of its transpose, tiled, under one scale; of bf16 or fp32 (_<type>)
// train_float8_cast_<format>_rows     the same, each under the scales of its rows
// train_float8_input_n<width>         dx = dy W           e5m2 x e4m3: dy by rows, W by columns; depth N
// train_float8_weight_n<width>        dw = dw + dy^T x    e5m2 x e4m3: dy by columns, x by columns; depth T
// gemm_prefill_e4m3_n<width>_p4       y = x W^T + bias    e4m3 x e4m3: both by rows; depth K
//
// <format>: e4m3 of x and W, e5m2 of dy. A number's code is that of the number times L / amax, L the format's largest: rounded to
// nearest, ties to even, saturated. Codes of rows have scales of rows, those of the transpose scales of columns: a product sums over what
// shares a scale, and its sum is multiplied by both scales, amax / L. Columns of a matrix: a multiple of 16; rows: any number.
//
// The products are gemm_prefill's pipeline: on Hopper, a sum in the tensor core over 512 of the depth, then fp32; one order, whatever the
// other sizes are. wgmma takes fp8 with the depth contiguous alone, hence the transposes.
// Bound: casts device memory: a matrix is read twice, each code written twice; products the tensor core.
// Sources: torchao.float8 (recipes tensorwise and rowwise); Micikevicius et al. 2022 (FP8 formats for deep learning: e5m2 for gradients);
// those of gemm_prefill.
#include "../gemm_prefill/gemm.cuh"
#include "amax.cuh"
#include "cast.cuh"
#include "hopper.cuh"

// x_type: 0 fp32, 1 bf16, at a multiple of 16 bytes. amax: bits of fp32, 0 before. Grid (ceil(columns / 256), ceil(rows / 128)), block 256.
extern "C" __global__ void __launch_bounds__(train_float8::kAmaxThreads)
    train_float8_amax_tensor(const void* x, int x_type, int rows, int columns, uint32_t* amax) {
  reduce::release_successor();
  reduce::wait_for_predecessor();
  if (x_type == 1) train_float8::amax_tensor(static_cast<const __nv_bfloat16*>(x), rows, columns, amax);
  else train_float8::amax_tensor(static_cast<const float*>(x), rows, columns, amax);
}

// of_rows [rows], of_columns [columns].
extern "C" __global__ void __launch_bounds__(train_float8::kAmaxThreads)
    train_float8_amax_rows(const void* x, int x_type, int rows, int columns, uint32_t* of_rows, uint32_t* of_columns) {
  reduce::release_successor();
  reduce::wait_for_predecessor();
  if (x_type == 1) train_float8::amax_rows(static_cast<const __nv_bfloat16*>(x), rows, columns, of_rows, of_columns);
  else train_float8::amax_rows(static_cast<const float*>(x), rows, columns, of_rows, of_columns);
}

// x at a multiple of 16 bytes. by_rows, by_columns: ceil(rows / 128) ceil(columns / 128) blocks of 16,384 bytes each. Scales: fp32, as many as
// amax; of a tensor one, and amax_of_columns and scales_of_columns are not read. Grid (ceil(columns / 128), ceil(rows / 128)), block 256.
#define TRAIN_FLOAT8_CAST(name, T, blocks, Format, kRowwise)                                                                         \
  extern "C" __global__ void __launch_bounds__(train_float8::kCastThreads, blocks)                                                   \
      train_float8_cast_##name(const T* x, int rows, int columns, const uint32_t* amax_of_rows, const uint32_t* amax_of_columns,     \
                               uint8_t* by_rows, uint8_t* by_columns, float* scales_of_rows, float* scales_of_columns) {             \
    reduce::release_successor();                                                                                                     \
    reduce::wait_for_predecessor();                                                                                                  \
    train_float8::cast<train_float8::Format, T, kRowwise>(                                                                           \
        x, {rows, columns, amax_of_rows, amax_of_columns, by_rows, by_columns, scales_of_rows, scales_of_columns});                  \
  }

TRAIN_FLOAT8_CAST(e4m3_tensor_bf16, __nv_bfloat16, 3, E4m3, false)
TRAIN_FLOAT8_CAST(e4m3_rows_bf16, __nv_bfloat16, 3, E4m3, true)
TRAIN_FLOAT8_CAST(e5m2_tensor_bf16, __nv_bfloat16, 3, E5m2, false)
TRAIN_FLOAT8_CAST(e5m2_rows_bf16, __nv_bfloat16, 3, E5m2, true)
TRAIN_FLOAT8_CAST(e4m3_tensor_fp32, float, 2, E4m3, false)
TRAIN_FLOAT8_CAST(e4m3_rows_fp32, float, 2, E4m3, true)
TRAIN_FLOAT8_CAST(e5m2_tensor_fp32, float, 2, E5m2, false)
TRAIN_FLOAT8_CAST(e5m2_rows_fp32, float, 2, E5m2, true)

// a [m, depth] e5m2 and b [n, depth] e4m3, tiled; scales with stride 1, of the whole tensor with stride 0; y [m, n], n a multiple of 16,
// of y_type 0 bf16, 2 fp32 (weight: fp32 in any case); depth_blocks of 128. Grid and shared memory: those of gemm_prefill.
#define TRAIN_FLOAT8_PRODUCT(variant, ...)                                                                                           \
  using TrainFloat8_##variant = gemm_prefill::Config<gemm_prefill::E5m2, __VA_ARGS__>;                                               \
  extern "C" __global__ void CLUSTER_OF(2) __launch_bounds__(gemm_prefill::kThreads, 1)                                              \
      train_float8_##variant(const uint8_t* a, const uint8_t* b, const float* a_scales, const float* b_scales, int stride, void* y,  \
                             int m, int n, int depth_blocks, int y_type) {                                                           \
    HOPPER_BODY(gemm_prefill::gemm<TrainFloat8_##variant>(                                                                           \
        {a, b, {y, nullptr, a_scales, b_scales, stride, stride, m, n, y_type, nullptr}, depth_blocks, gemm_prefill::kRows}))         \
  }

TRAIN_FLOAT8_PRODUCT(input_n192, 192, 4, false)
TRAIN_FLOAT8_PRODUCT(input_n128, 128, 4, false)
TRAIN_FLOAT8_PRODUCT(weight_n192, 192, 4, false, gemm_prefill::Fuse::kAdd)
TRAIN_FLOAT8_PRODUCT(weight_n128, 128, 4, false, gemm_prefill::Fuse::kAdd)
