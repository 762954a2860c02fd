// GEMMs for many rows with 2:4 weights: Y = X W^T, any M >= 1, on the sparse tensor cores of Hopper.
//
// Shapes (last axis contiguous): X [M, K], W [N, K] with at most two numbers that are not zero in each four neighbours of a row,
// Y [M, N] bf16, fp16 or fp32; N and K multiples of 16. X comes tiled (gemm_prefill/tiling.cuh), W packed (layout.cuh).
//
// variant                  operands       scales                      a sum of a row and a column
// e4m3_n<width>            e4m3 x e4m3    a row of X, a row of W, or  tensor core over all of K
//                                         of the whole tensor
// bf16_n<width>            bf16 x bf16    none                        tensor core over all of K, fp32
// Widths, rows of X in a tile: 192, 176, 160, 128; the same bits. width.cuh chooses.
//
// Idea: the sparse operand of wgmma is A, so W is A and the tiles are of Y^T. Such an instruction does the work of two in the same
// time, and reads twice as much of X: shared memory is what it waits for. So a warpgroup multiplies each stage of X by 128 rows of
// W, two instructions of n columns, which leaves registers for n = 192 and none for a second set of sums. A cluster of two blocks
// (512 rows of W, n of X) shares the rows of X by multicast. Rows of W are packed in an order in which a thread has four
// neighbouring columns of Y: it stores 8 or 16 bytes at a time, 64 or 128 bytes a row of Y and warp, straight from registers.
// Metadata comes with the values, a load of 16 bytes a thread and stage.
//
// Bound at M = 4096, N = K = 8192: 0.55 Tflop of the dense product, at twice the dense rate.
// Grid: 2 min(tiles, multiprocessors / 2) blocks, tiles = ceil(N / 512) ceil(M / n). 384 threads, shared bytes 232,448. A row of X
// has the same bits whatever M, and with every n.
// Sources: PTX ISA 9.0, 9.7.15.6 (sparse wgmma); Mishra et al., Accelerating Sparse Deep Neural Networks, 2021 (2:4).
#include "gemm.cuh"
#include "hopper.cuh"
#include "reduce.cuh"

// x_scales [M], w_scales [N] with stride 1, of the whole tensor with stride 0, or null. bias: fp32 [N] or null. k_blocks:
// ceil(K bytes / 128). y_type: 0 bf16, 1 fp16, 2 fp32.
#define GEMM_SPARSE(variant, ...)                                                                                              \
  using GemmSparse_##variant = gemm_sparse::Config<__VA_ARGS__>;                                                               \
  extern "C" __global__ void CLUSTER_OF(2) __launch_bounds__(gemm_prefill::kThreads, 1)                                        \
      gemm_sparse_##variant(const uint8_t* x, const uint8_t* w, const float* x_scales, const float* w_scales, int x_stride,    \
                            int w_stride, const float* bias, void* y, int m, int n, int k_blocks, int y_type) {                \
    HOPPER_BODY(gemm_sparse::gemm<GemmSparse_##variant>(                                                                       \
        {x, w, {y, bias, x_scales, w_scales, x_stride, w_stride, m, n, y_type, nullptr}, k_blocks}))                           \
  }

GEMM_SPARSE(e4m3_n192, gemm_sparse::E4m3, 192)
GEMM_SPARSE(e4m3_n176, gemm_sparse::E4m3, 176)
GEMM_SPARSE(e4m3_n160, gemm_sparse::E4m3, 160)
GEMM_SPARSE(e4m3_n128, gemm_sparse::E4m3, 128)
GEMM_SPARSE(bf16_n192, gemm_sparse::Bf16, 192)
GEMM_SPARSE(bf16_n176, gemm_sparse::Bf16, 176)
GEMM_SPARSE(bf16_n160, gemm_sparse::Bf16, 160)
GEMM_SPARSE(bf16_n128, gemm_sparse::Bf16, 128)

// Row-major [rows, row_bytes] to packed; row_bytes a multiple of 16. Grid (ceil(row_bytes / 128), ceil(rows / 128)), block 256; the
// result has grid x times grid y times 10,240 (bf16 9,216) bytes. first_wrong: the largest number before the launch, then the place row
// * K + column of the first four numbers of which more than two are not zero. Bound: device memory, one read and 5/8 of a write.
#define GEMM_SPARSE_PACK(type, bytes)                                                                                          \
  extern "C" __global__ void __launch_bounds__(gemm_sparse::kPackThreads) gemm_sparse_pack_##type(                             \
      const uint8_t* from, uint8_t* to, int rows, long long row_bytes, unsigned long long* first_wrong) {                      \
    gemm_sparse::pack<bytes>(from, to, rows, row_bytes, first_wrong);                                                          \
  }

GEMM_SPARSE_PACK(e4m3, 1)
GEMM_SPARSE_PACK(bf16, 2)
