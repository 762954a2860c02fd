// The three products of a linear layer in training, tokens x [T, K], weights W [N, K], outputs y [T, N] (last axis contiguous):
//
// kernel                      result                     depth   A          B
// gemm_train_product          y = x W^T + bias           K       x, deep    W, deep
// gemm_train_input            dx = dy W                  N       dy, deep   W, wide
// gemm_train_weight           dw = dw + dy^T x           T       dy, wide   x, wide        tiles enough for all multiprocessors
// gemm_train_weight_parts     parts of dy^T x            T       dy, wide   x, wide        fewer: a stream of blocks
// gemm_train_add_parts        dw = dw + sum of parts                                       in the order of tokens
// gemm_train_any              any of the above, operands fp32 or bf16, any shape, ordinary fp32
//
// The first four on Hopper, from bf16 with fp32 sums in the tensor core; N and K multiples of 8, operands at multiples of 16 bytes,
// through tensor maps of boxes of 128 bytes x kBox of rows. A "wide" operand has the depth on its rows: wgmma reads it as it
// lies, nothing is transposed. A sum has one order: over the depth from 0 upwards, for parts in runs that follow from shape and
// number of parts. Rows of y and dx have the same bits whatever T.
//
// Tiles of 128 x 192 with clusters of two that share B, of 192 x 192 for weights: 192 divides the sizes of small Llamas (576, 960,
// 1536, 3072). Bound: the tensor core; at 16,384 tokens and 576 x 576 memory is as near.
// Sources: PTX ISA 9.0, 9.7.15 (wgmma); Osama et al. 2023 (stream-K).
#include "any.cuh"
#include "gemm.cuh"
#include "hopper.cuh"
#include "parts.cuh"

#include <cuda.h>

// Y [m, n], `result` as gemm_train::Result; depth in blocks of 64. Grid: clusters, at most one for every tile; C::kThreads; C::kBytes
// shared.
#define GEMM_TRAIN(name, ...)                                                                                                      \
  using GemmTrain_##name = gemm_train::Config<__VA_ARGS__>;                                                                        \
  extern "C" __global__ void CLUSTER_OF(GemmTrain_##name::kCluster) __launch_bounds__(GemmTrain_##name::kThreads, 1)               \
      gemm_train_##name(const __grid_constant__ CUtensorMap a, const __grid_constant__ CUtensorMap b, void* y, const float* bias,  \
                        int m, int n, int depth_blocks, int result) {                                                              \
    using C = GemmTrain_##name;                                                                                                    \
    HOPPER_BODY(const int rows = (m + C::kRows * C::kCluster - 1) / (C::kRows * C::kCluster);                                      \
                gemm_train::gemm<C>({&a, &b, {y, bias, m, n, static_cast<gemm_train::Result>(result)}},                            \
                                    gemm_train::Tiles{rows, (n + gemm_train::kColumns - 1) / gemm_train::kColumns, depth_blocks,   \
                                                      static_cast<int>(blockIdx.x) / C::kCluster,                                  \
                                                      static_cast<int>(gridDim.x) / C::kCluster}))                                 \
  }

GEMM_TRAIN(product, false, false, 2, 2, 2)
GEMM_TRAIN(input, false, true, 2, 2, 2)
GEMM_TRAIN(weight, true, true, 3, 1, 1)

// parts: as many as blocks and tiles together, less one. Grid: at most one block for every block of the depth of all tiles.
extern "C" __global__ void __launch_bounds__(GemmTrain_weight::kThreads, 1)
    gemm_train_weight_parts(const __grid_constant__ CUtensorMap a, const __grid_constant__ CUtensorMap b, float* parts, int m, int n,
                            int depth_blocks) {
  using C = GemmTrain_weight;
  HOPPER_BODY(
      gemm_train::gemm<C>({&a, &b, {parts, nullptr, m, n, gemm_train::Result::kPart}},
                          gemm_train::Stream::of((m + C::kRows - 1) / C::kRows, (n + gemm_train::kColumns - 1) / gemm_train::kColumns,
                                                 depth_blocks, static_cast<int>(gridDim.x), static_cast<int>(blockIdx.x))))
}

// y [m, n] fp32. Grid (m, ceil(n / 4 / 64)), block 64; `units`: blocks of gemm_train_weight_parts.
extern "C" __global__ void __launch_bounds__(64) gemm_train_add_parts(float* y, const float* parts, int m, int n, int depth_blocks, int units) {
  constexpr int kRows = GemmTrain_weight::kRows;
  reduce::wait_for_predecessor();
  gemm_train::add_parts(y, m, n,
                        {parts, kRows, (m + kRows - 1) / kRows, (n + gemm_train::kColumns - 1) / gemm_train::kColumns, depth_blocks, units});
}

// Y [m, n] of A [m, depth] and B [n, depth]; a_deep, b_deep: the depth is contiguous, else rows are. Types: 0 fp32, 1 bf16; bias fp32 [n]
// or null. Grid (ceil(n / 64), ceil(m / 64)), block 256.
extern "C" __global__ void __launch_bounds__(gemm_train::kAnyThreads)
    gemm_train_any(const void* a, int a_type, int a_deep, const void* b, int b_type, int b_deep, const float* bias, void* y, int y_type,
                   int add, int m, int n, int depth) {
  reduce::wait_for_predecessor();
  gemm_train::multiply_any({a, a_type, a_deep ? depth : 1, a_deep ? 1 : m}, {b, b_type, b_deep ? depth : 1, b_deep ? 1 : n},
                           {y, y_type, add, bias}, m, n, depth);
}
