// GEMMs for many rows (prompts): Y = X W^T, any M >= 1, bound by the tensor cores.
//
// Shapes (last axis contiguous): X [M, K], W [N, K], Y [M, N] bf16, fp16 or fp32; N and K multiples of 16. X and W come tiled
// (tiling.cuh), int4 W as gemm_int4 tiles it (its layout.cuh): one-dimensional bulk copies need no tensor map.
//
// variant                   operands         scales                       a sum of a row and a column
// e4m3_n192_p4              e4m3 x e4m3      a row of X, a row of W, or   tensor core over 512 of K, then fp32 registers
// e4m3_n128_p4              the same         of the whole tensor          the same bits, narrower tile
// e4m3_block_n192, _n128    e4m3 x e4m3      1 x 128 of X, 128 x 128      tensor core over 128, then one fma with the two scales
// int8_n256                 int8 x int8      a row of X, a row of W       exact in int32
// bf16_n256                 bf16 x bf16      none                         tensor core over all of K, fp32
// int4_<x>_g<group>         x x int4         32, 64, 128 columns of W     the same; W is (q - z) s rounded to bf16 or fp16
// int4_e4m3_g<group>        e4m3 x int4      a row of X; 32, 64, 128      tensor core over a group, then one fma with its scale;
//                                            columns of W                 no weight is rounded
//
// Idea: persistent clusters of two blocks, 128 x n outputs a block; the two share their rows of W (int4: of X) by multicast, which
// takes a third of the traffic off L2. Two warpgroups of 64 rows x n keep the tensor core busy while one of them moves sums or
// stores. Tiles are taken in groups of 8 pairs, so that what runs together fits L2.
// fp8: the tensor core's sums keep about 14 bits, so they are moved to fp32 every 512 of K. Twice 128 sums do not fit a thread's
// registers, hence n = 192: it reads less shared memory a product than 128. The tensor core's own registers are free while a
// finished tile is stored, so the next tile's first products run meanwhile.
// int4: codes become the A operand in registers, unpacked while the products of the 64 columns before run. With e4m3 X, a code is
// exact in e4m3, and the scale goes onto the sum of a group.
//
// Bound at M = 4096, N = K = 8192: 0.55 Tflop; shared memory 85 (n192), 80 (n256) of 128 bytes a cycle read.
// n192 or n128: width.cuh.
// Grid: 2 min(tiles, multiprocessors / 2) blocks, tiles = ceil(M / 256) ceil(N / n), int4: ceil(N / 256) ceil(M / 256), int4 with e4m3:
// ceil(N / 256) ceil(M / 192). 384
// threads, shared bytes 232,448. A row of X has the same bits whatever M.
// Sources: PTX ISA 9.0, 9.7.15 (wgmma), 9.7.9 (multicast); DeepSeek-V3 report 3.3.2 (fp8 sums moved to fp32, block scales).
#include "gemm.cuh"
#include "hopper.cuh"
#include "int4.cuh"
#include "int4_fp8.cuh"
#include "reduce.cuh"

// x_scales [M], w_scales [N] with stride 1, of the whole tensor with stride 0, or null; block variants: x_scales
// [M, ceil(K / 128)], w_scales [ceil(N / 128), ceil(K / 128)]. bias: fp32 [N] or null. k_blocks: ceil(K bytes / 128). y_type: 0
// bf16, 1 fp16, 2 fp32. tile_rows: 128 where gemm_prefill_tile_rows tiled W, or the R of gemm_decode's layout.
#define GEMM_PREFILL(variant, ...)                                                                                             \
  using GemmPrefill_##variant = gemm_prefill::Config<__VA_ARGS__>;                                                             \
  extern "C" __global__ void CLUSTER_OF(2) __launch_bounds__(gemm_prefill::kThreads, 1)                                        \
      gemm_prefill_##variant(const uint8_t* x, const uint8_t* w, const float* x_scales, const float* w_scales, int x_stride,   \
                             int w_stride, const float* bias, void* y, int m, int n, int k_blocks, int y_type,                 \
                             int tile_rows) {                                                                                  \
    HOPPER_BODY(gemm_prefill::gemm<GemmPrefill_##variant>(                                                                     \
        {x, w, {y, bias, x_scales, w_scales, x_stride, w_stride, m, n, y_type, nullptr}, k_blocks, tile_rows}))                \
  }

// residual: like y, may be y.
#define GEMM_PREFILL_RESIDUAL(variant, ...)                                                                                    \
  using GemmPrefill_##variant##_residual = gemm_prefill::Config<__VA_ARGS__, gemm_prefill::Fuse::kResidual>;                   \
  extern "C" __global__ void CLUSTER_OF(2) __launch_bounds__(gemm_prefill::kThreads, 1)                                        \
      gemm_prefill_##variant##_residual(const uint8_t* x, const uint8_t* w, const float* x_scales, const float* w_scales,      \
                                        int x_stride, int w_stride, const float* bias, const void* residual, void* y, int m,   \
                                        int n, int k_blocks, int y_type, int tile_rows) {                                      \
    HOPPER_BODY(gemm_prefill::gemm<GemmPrefill_##variant##_residual>(                                                          \
        {x, w, {y, bias, x_scales, w_scales, x_stride, w_stride, m, n, y_type, residual}, k_blocks, tile_rows}))               \
  }

// <variant>, <variant>_gate (arguments of <variant>) and <variant>_residual.
#define GEMM_PREFILL_ALL(variant, ...)                                             \
  GEMM_PREFILL(variant, __VA_ARGS__)                                               \
  GEMM_PREFILL(variant##_gate, __VA_ARGS__, gemm_prefill::Fuse::kGate)             \
  GEMM_PREFILL_RESIDUAL(variant, __VA_ARGS__)

GEMM_PREFILL_ALL(e4m3_n192_p4, gemm_prefill::E4m3, 192, 4, false)
GEMM_PREFILL_ALL(e4m3_n128_p4, gemm_prefill::E4m3, 128, 4, false)
GEMM_PREFILL(e4m3_block_n128, gemm_prefill::E4m3, 128, 1, true)
GEMM_PREFILL_RESIDUAL(e4m3_block_n128, gemm_prefill::E4m3, 128, 1, true)
GEMM_PREFILL(e4m3_block_n192, gemm_prefill::E4m3, 192, 1, true)
GEMM_PREFILL_RESIDUAL(e4m3_block_n192, gemm_prefill::E4m3, 192, 1, true)
GEMM_PREFILL_ALL(int8_n256, gemm_prefill::Int8, 256, 0, false)
GEMM_PREFILL_ALL(bf16_n256, gemm_prefill::Bf16, 256, 0, false)

#define GEMM_PREFILL_INT4(variant, ...)                                                                             \
  using GemmPrefill_##variant = gemm_prefill::Int4Config<__VA_ARGS__>;                                              \
  extern "C" __global__ void CLUSTER_OF(2) __launch_bounds__(gemm_prefill::kThreads, 1)                             \
      gemm_prefill_##variant(const uint8_t* x, const uint8_t* weights, const float* bias, void* y, int m, int n,    \
                             int k, int asymmetric, int y_type) {                                                   \
    HOPPER_BODY(gemm_prefill::int4_gemm<GemmPrefill_##variant>(                                                     \
        {x, weights, {y, bias, nullptr, nullptr, 0, 0, m, n, y_type, nullptr}, k, asymmetric != 0}))                         \
  }

GEMM_PREFILL_INT4(int4_bf16_g32, gemm_int4::Type::kBf16, 32)
GEMM_PREFILL_INT4(int4_bf16_g64, gemm_int4::Type::kBf16, 64)
GEMM_PREFILL_INT4(int4_bf16_g128, gemm_int4::Type::kBf16, 128)
GEMM_PREFILL_INT4(int4_fp16_g32, gemm_int4::Type::kFp16, 32)
GEMM_PREFILL_INT4(int4_fp16_g64, gemm_int4::Type::kFp16, 64)
GEMM_PREFILL_INT4(int4_fp16_g128, gemm_int4::Type::kFp16, 128)

// x_scales: fp32 [M].
#define GEMM_PREFILL_INT4_FP8(variant, ...)                                                                            \
  using GemmPrefill_##variant = gemm_prefill::Int4Fp8Config<__VA_ARGS__>;                                              \
  extern "C" __global__ void CLUSTER_OF(2) __launch_bounds__(gemm_prefill::kThreads, 1)                                \
      gemm_prefill_##variant(const uint8_t* x, const uint8_t* weights, const float* x_scales, const float* bias,       \
                             void* y, int m, int n, int k, int y_type) {                                               \
    HOPPER_BODY(gemm_prefill::int4_fp8_gemm<GemmPrefill_##variant>(                                                    \
        {x, weights, {y, bias, x_scales, nullptr, 1, 0, m, n, y_type, nullptr}, k}))                                   \
  }

GEMM_PREFILL_INT4_FP8(int4_e4m3_g32, 32)
GEMM_PREFILL_INT4_FP8(int4_e4m3_g64, 64)
GEMM_PREFILL_INT4_FP8(int4_e4m3_g128, 128)


// Row-major [rows, row_bytes] to tiles; row_bytes a multiple of 16. Grid (ceil(row_bytes / 128), ceil(rows / 128)), block 256; the
// result has grid x times grid y times 16384 bytes. Bound: device memory, one read and one write.
extern "C" __global__ void __launch_bounds__(gemm_prefill::kTileThreads)
    gemm_prefill_tile_rows(const uint8_t* from, uint8_t* to, int rows, long long row_bytes) {
  reduce::release_successor();
  reduce::wait_for_predecessor();
  gemm_prefill::tile_rows(from, nullptr, to, rows, row_bytes);
}

// The same for <variant>_gate: rows 2 i from row i of gate, rows 2 i + 1 from row i of up; rows counts both.
extern "C" __global__ void __launch_bounds__(gemm_prefill::kTileThreads)
    gemm_prefill_tile_gate_up(const uint8_t* gate, const uint8_t* up, uint8_t* to, int rows, long long row_bytes) {
  reduce::release_successor();
  reduce::wait_for_predecessor();
  gemm_prefill::tile_rows(gate, up, to, rows, row_bytes);
}
