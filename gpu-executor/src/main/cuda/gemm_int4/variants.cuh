// int4 weight-only GEMM for decoding: Y = X W^T, W = (q - z) s, M = 1..128.
//
// Shapes (last axis contiguous): X [M, K] bf16, fp16 or e4m3 (with fp32 scales [M]); Y [M, N] bf16, fp16 or fp32; W [N, K] int4,
// tiled (layout.cuh); N and K multiples of 16, K of the group. A scale a row (channel) is tiled as group 128. 16-byte aligned.
//
// Idea: the weights are the whole traffic, so one stream of bulk copies a block runs from its first instruction to its last, and
// everything else hides behind it. The codes lie in the order in which threads need them as wgmma A fragments, so they go from the
// ring to registers with two 16-byte loads, become exact bf16, fp16 or e4m3 with 11 instructions per 8 codes (unpack.cuh) and
// never return to shared memory. Up to 8 rows of 16-bit X mma.sync multiplies them, else wgmma. A group is summed by the tensor core from
// zero; its fp32 sum times its scale is added to sums in ordinary registers by one fma. So W is never rounded: the result is that of exact
// (q - z) s up to fp32 summation (16-bit X), and an fp8 sum is at most 128 long. Scaling the weights instead would cost one multiplication
// a pair more and round every weight.
// K is split over a cluster of S blocks, S by (N, K) alone (split.cuh); st.async hands the shares over, added in the order of K.
//
// Bound: weights and scales / 3.1 TB/s; from M = 64 also the tensor cores (a block of 128 x 128 takes 1024 cycles at M = 128).
// Variants: gemm_int4_<x>_g<group>_n<rows>_s<split>, x = bf16, fp16, e4m3; group 32, 64, 128; rows 8, 16, 32, 64, 128 >= M;
// split 1, 2, 3, 4, 5, 8. rows <= 16: grid ceil(N / 64) * split, 160 threads; else ceil(N / 128) * split, 288 threads, for 128 rows 384;
// shared bytes by split.cuh.
// Sources: Kim et al. 2022, "Who says elephants can't run" (nibbles in the mantissa of a constant); PTX ISA 9.0, 9.7.15; the
// experiment of design/kernels.md (weights as A operand, cluster split).
#pragma once

#include <cuda.h>

#include "consume.cuh"
#include "hopper.cuh"

// asymmetric: the tiled weights hold zero points (not with e4m3). y_type: 0 bf16, 1 fp16, 2 fp32, and
// kGate. bias: fp32 [N] or null. residual: like Y, may be Y, or null.
#define GEMM_INT4(x, type, group, rows, split, cluster)                                                                      \
  extern "C" __global__ void cluster __launch_bounds__(gemm_int4::block_threads(rows), gemm_int4::most_blocks(rows)) \
      gemm_int4_##x##_g##group##_n##rows##_s##split(const __grid_constant__ CUtensorMap activations, const uint8_t* weights, \
                                                    const float* x_scales, const float* bias, const void* residual, void* y, \
                                                    int m, int n, int k, int asymmetric, int y_type) {                       \
    HOPPER_BODY((gemm_int4::gemm<type, group, rows, split>(                                                                  \
        &activations, gemm_int4::Problem{weights, x_scales, bias, residual, y, m, n, k, asymmetric != 0, y_type})))          \
  }

// Calls V(x, type, group, rows, split, cluster attribute) for every variant.
#define GEMM_INT4_SPLITS(V, x, type, group, rows)                 \
  V(x, type, group, rows, 1, )                                    \
  V(x, type, group, rows, 2, CLUSTER_OF(2))                       \
  V(x, type, group, rows, 3, CLUSTER_OF(3))                       \
  V(x, type, group, rows, 4, CLUSTER_OF(4))                       \
  V(x, type, group, rows, 5, CLUSTER_OF(5))                       \
  V(x, type, group, rows, 8, CLUSTER_OF(8))
#define GEMM_INT4_ROWS(V, x, type, group)    \
  GEMM_INT4_SPLITS(V, x, type, group, 8)     \
  GEMM_INT4_SPLITS(V, x, type, group, 16)    \
  GEMM_INT4_SPLITS(V, x, type, group, 32)    \
  GEMM_INT4_SPLITS(V, x, type, group, 64)    \
  GEMM_INT4_SPLITS(V, x, type, group, 128)
#define GEMM_INT4_GROUPS(V, x, type) \
  GEMM_INT4_ROWS(V, x, type, 32)     \
  GEMM_INT4_ROWS(V, x, type, 64)     \
  GEMM_INT4_ROWS(V, x, type, 128)
