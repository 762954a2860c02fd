// Weights and activations to codes of few bits and back, in the bytes of org.sparkao.quant.algorithm.
//
// kernel (suffix _bf16, _fp16, _fp32: type of the weights)      idea
// quantize_rows        one scale a row: one block a row, which stays in registers between its range and its codes
// quantize_groups      one scale for 8 to 256 weights (a power of two): neighbouring threads a group, range by shuffles
// quantize_blocks      one scale for 128 x 128: one block a tile, in registers
// quantize_scales,     any granularity, shape and alignment: two passes; the second one alone where a tensor has one scale
//   quantize_codes
// quantize_search      scales by the search of the algorithm mse: a warp a group, a thread a candidate
// quantize_range       smallest and largest weight of a tensor: 16-byte loads, integer atomics
// quantize_tensor      scale or NVFP4 factor of a tensor from its range
// quantize_statistics  errors of codes, in the order of the CPU; quantize_row_sums: the same where groups are whole octets
// quantize_dequantize  codes to weights
// quantize_pack_zero_points, quantize_rmsnorm_fp8_bf16   as named
//
// One family, driven by numbers (scheme.cuh): rule of the scale, format and bits of the codes, storage. All switches on
// them are the same for a whole launch and stand outside of the loops over weights.
// Weights and codes are [N, K], K contiguous. Bound: device memory, each weight read once and each code written once; 16
// bytes a load. Fewer than 20 instructions a weight, of the 40 that the memory's time pays for; hence no division a
// weight (codes.cuh), two weights an instruction where the type can (pairs.cuh), and no statistics in the same kernel:
// their order is a chain of K / 8 additions (row_sums.cuh).
// Rows of activations use the same kernels with fp32 scales. A row's bits do not depend on the others or on how many
// there are, except through a scale that is shared.
#include "activations.cuh"
#include "dequantize.cuh"
#include "fused.cuh"
#include "row_sums.cuh"
#include "search.cuh"

using quantize::Bf16;
using quantize::Fp16;
using quantize::Fp32;

#define QUANTIZE_MATRIX                                                                                             \
  const unsigned char *weights, unsigned char *codes, unsigned char *scales, signed char *zero_points,              \
      float4 *records, const float *tensor, int rows, int columns
#define QUANTIZE_SCHEME int rule, int format, int bits, int storage
#define QUANTIZE_GRID int group_rows, int group_columns, int groups
#define MATRIX (quantize::Matrix{weights, codes, scales, zero_points, records, tensor, rows, columns})
#define SCHEME (quantize::Scheme{rule, format, bits, storage})
#define GRID (quantize::Grid{group_rows, group_columns, groups})

#define QUANTIZE_KERNELS(suffix, type)                                                                              \
  /* Grid rows, block up to 1024 whole warps that hold 32 weights a thread. */                                      \
  extern "C" __global__ void __launch_bounds__(1024) quantize_rows_##suffix(QUANTIZE_MATRIX, QUANTIZE_SCHEME) {     \
    quantize::quantize_rows<type>(MATRIX, SCHEME);                                                                  \
  }                                                                                                                 \
  /* Grid ceil(rows * columns / 8192), NVFP4 (nvfp4.cuh) any; block 256. */                                         \
  extern "C" __global__ void __launch_bounds__(quantize::kGroupThreads, quantize::kGroupBlocks)                     \
      quantize_groups_##suffix(QUANTIZE_MATRIX, QUANTIZE_SCHEME, int group) {                                       \
    quantize::quantize_groups<type>(MATRIX, SCHEME, group);                                                         \
  }                                                                                                                 \
  /* Grid (ceil(columns / 128), ceil(rows / 128)), block 512. */                                                    \
  extern "C" __global__ void __launch_bounds__(quantize::kTileThreads, quantize::kTileBlocks)                       \
      quantize_blocks_##suffix(QUANTIZE_MATRIX, QUANTIZE_SCHEME) {                                                  \
    quantize::quantize_blocks<type>(MATRIX, SCHEME);                                                                \
  }                                                                                                                 \
  /* Grid ceil(number of scales / 8), block 256. */                                                                 \
  extern "C" __global__ void __launch_bounds__(32 * quantize::kScaleWarps)                                          \
      quantize_scales_##suffix(QUANTIZE_MATRIX, QUANTIZE_SCHEME, QUANTIZE_GRID) {                                   \
    quantize::find_scales<type>(MATRIX, SCHEME, GRID);                                                              \
  }                                                                                                                 \
  /* The same grid. tables: search.cuh. */                                                                          \
  extern "C" __global__ void __launch_bounds__(32 * quantize::kScaleWarps) quantize_search_##suffix(                \
      QUANTIZE_MATRIX, QUANTIZE_SCHEME, QUANTIZE_GRID, const double* tables) {                                      \
    quantize::search_scales<type>(MATRIX, SCHEME, GRID, tables);                                                    \
  }                                                                                                                 \
  /* Grid (ceil(columns / 2048), rows, at most 65535), block 256. */                                                \
  extern "C" __global__ void __launch_bounds__(256)                                                                 \
      quantize_codes_##suffix(QUANTIZE_MATRIX, QUANTIZE_SCHEME, QUANTIZE_GRID) {                                    \
    quantize::find_codes<type>(MATRIX, SCHEME, GRID);                                                               \
  }                                                                                                                 \
  /* Grid ceil(rows / 16), block 128. */                                                                            \
  extern "C" __global__ void __launch_bounds__(quantize::kStatisticsThreads) quantize_statistics_##suffix(          \
      QUANTIZE_MATRIX, quantize::RowStatistics* statistics, QUANTIZE_SCHEME, QUANTIZE_GRID) {                       \
    quantize::row_statistics<type>(MATRIX, statistics, SCHEME, GRID);                                               \
  }                                                                                                                 \
  /* Grid ceil(rows / rows_of_warp / 4), block 128; columns and groups are whole octets. */                          \
  extern "C" __global__ void __launch_bounds__(quantize::kSumThreads, 4) quantize_row_sums_##suffix(                \
      QUANTIZE_MATRIX, quantize::RowStatistics* statistics, QUANTIZE_SCHEME, QUANTIZE_GRID, int rows_of_warp) {     \
    quantize::row_sums<type>(MATRIX, statistics, SCHEME, GRID, rows_of_warp);                                       \
  }                                                                                                                 \
  /* Grid as for codes. */                                                                                          \
  extern "C" __global__ void __launch_bounds__(256) quantize_dequantize_##suffix(                                   \
      QUANTIZE_MATRIX, unsigned char* out, QUANTIZE_SCHEME, QUANTIZE_GRID) {                                        \
    quantize::dequantize<type>(MATRIX, out, SCHEME, GRID);                                                          \
  }                                                                                                                 \
  /* Any grid, block 256. keys begin as {0x7F800000, 0x807FFFFF}: no weights. */                                    \
  extern "C" __global__ void __launch_bounds__(256)                                                                 \
      quantize_range_##suffix(const unsigned char* weights, int* keys, long long count) {                           \
    quantize::tensor_range<type>(weights, keys, count);                                                             \
  }                                                                                                                 \
  /* One thread. whole: write scale, zero point and record of the tensor too. */                                    \
  extern "C" __global__ void quantize_tensor_##suffix(QUANTIZE_MATRIX, float* factors, QUANTIZE_SCHEME, float low,  \
                                                      float high, int whole) {                                      \
    quantize::tensor_scale<type>(MATRIX, factors, SCHEME, low, high, whole != 0);                                   \
  }

QUANTIZE_KERNELS(bf16, Bf16)
QUANTIZE_KERNELS(fp16, Fp16)
QUANTIZE_KERNELS(fp32, Fp32)

// Grid ceil(words / 256), block 256.
extern "C" __global__ void __launch_bounds__(256)
    quantize_pack_zero_points(const signed char* zero_points, unsigned int* words, int rows, int groups, int bits) {
  quantize::pack_zero_points(zero_points, words, rows, groups, bits);
}

// Grid M, block ceil(K / 16) rounded up to whole warps: at most 1024, so K is at most 16,384.
extern "C" __global__ void __launch_bounds__(1024)
    quantize_rmsnorm_fp8_bf16(const unsigned char* x, const unsigned char* weight, unsigned char* codes, float* scales,
                              int m, int k, float epsilon) {
  quantize::rmsnorm_fp8({x, codes, reinterpret_cast<unsigned char*>(scales), nullptr, nullptr, nullptr, m, k}, weight,
                        epsilon);
}
