// GEMMs for every architecture from 8.0 on, by mma.sync: Y = X W^T, any M >= 1, N and K multiples of 16.
//
// Shapes (last axis contiguous): X [M, K], Y [M, N] bf16, fp16 or fp32; W [N, K] as it comes, int4 W as gemm_int4 tiles it.
//
// types                 operands            scales
// e4m3, e5m2            x (e4m3 or e5m2) x e4m3, as exact fp16      tensor, or a row of X and a row of W
// e4m3_block, e5m2_block  the same          1 x 128 of X, 128 x 128 of W; each 128 of K summed from zero, then one fma
// int8                  int8 x int8, exact  tensor, or a row of X and a row of W
// bf16                  bf16 x bf16         the same, or none
// int4_bf16, _fp16      x x (q - z), exact  32, 64 or 128 columns of W; each group (at most 64 of K) summed from zero, then one fma
// int4_e4m3             e4m3 x q, as exact fp16   a row of X; 32, 64 or 128 columns of W; a group summed from zero, then one fma
//
// families: decode16, decode64 (32 rows of W and 16 or 64 rows of X a block; its four or eight warps are 4 along K: the same bits)
// and prefill (128 x 128, eight warps of 64 x 32). Within a family a row of X has the same bits whatever M, N and its place.
//
// Versions
//   1 (current). Two to six stages of cp.async in 96 KB, ldmatrix from rows of 128 bytes with permuted 16-byte pieces, W as operand A
//     so that decoding wastes no instruction on missing rows of X. K is split inside the block, where decoding needs no second
//     kernel and no cluster. e4m3 becomes fp16 without a table or a multiplication: its bits, shifted, are the number times 2^-8.
//
// Bound: decoding the bytes of W; prefill the tensor cores at 16-bit rate (fp8 too), with fp8 also six integer instructions for each
// pair of elements that a warp reads.
// Sources: PTX ISA 9.0, 9.7.14.5 (mma.sync, ldmatrix); Kim et al. 2022 (nibbles in the mantissa of a constant).
#include "kernel.cuh"
#include "reduce.cuh"

// Problem in output.cuh; scale_w null for int4. Grid (ceil(M / rows of X), ceil(N / rows of W)) of the family.
#define GEMM_PORTABLE(NAME, TYPES, FAMILY, SHAPE)                                                                              \
  using GemmPortable_##NAME##_##FAMILY =                                                                                       \
      gemm_portable::Config<gemm_portable::TYPES, gemm_portable::SHAPE<gemm_portable::TYPES>>;                                 \
  extern "C" __global__ void __launch_bounds__(GemmPortable_##NAME##_##FAMILY::Tile::kThreads,                                 \
                                               GemmPortable_##NAME##_##FAMILY::kBlocks)                                        \
      gemm_portable_##NAME##_##FAMILY(void* y, const uint8_t* x, const uint8_t* w, const float* scale_x, const float* scale_w, \
                                      const float* bias, const void* residual, int m, int n, int k, int group, int flags) {    \
    using S = GemmPortable_##NAME##_##FAMILY::Tile;                                                                            \
    const int first_x = static_cast<int>(blockIdx.x) * S::kX;                                                                  \
    reduce::wait_for_predecessor();                                                                                            \
    gemm_portable::multiply<GemmPortable_##NAME##_##FAMILY>({y, x, w, scale_x, scale_w, bias, residual, n, k, group, flags},   \
                                                            {first_x, m, static_cast<int>(blockIdx.y) * S::kW});               \
  }

#define GEMM_PORTABLE_FAMILIES(NAME, TYPES)             \
  GEMM_PORTABLE(NAME, TYPES, decode16, Decode16)        \
  GEMM_PORTABLE(NAME, TYPES, decode64, Decode64)        \
  GEMM_PORTABLE(NAME, TYPES, prefill, Prefill)

GEMM_PORTABLE_FAMILIES(e4m3, E4m3)
GEMM_PORTABLE_FAMILIES(e5m2, E5m2)
GEMM_PORTABLE_FAMILIES(e4m3_block, Blocks<gemm_portable::E4m3>)
GEMM_PORTABLE_FAMILIES(e5m2_block, Blocks<gemm_portable::E5m2>)
GEMM_PORTABLE_FAMILIES(int8, Int8)
GEMM_PORTABLE_FAMILIES(bf16, Bf16)
GEMM_PORTABLE_FAMILIES(int4_bf16, Int4<gemm_int4::Type::kBf16>)
GEMM_PORTABLE_FAMILIES(int4_fp16, Int4<gemm_int4::Type::kFp16>)
GEMM_PORTABLE_FAMILIES(int4_e4m3, Int4<gemm_int4::Type::kE4m3>)

// W as the kernels want it: a copy, or with `up` (flag 16) rows 2 i from row i of `w` and rows 2 i + 1 from row i of `up`; n counts both.
// Any grid, block 256; row_bytes a multiple of 16.
extern "C" __global__ void __launch_bounds__(256)
    gemm_portable_rows(uint4* to, const uint4* w, const uint4* up, int n, int row_bytes) {
  const long long row_pieces = row_bytes / 16, pieces = row_pieces * n;
  for (long long i = blockIdx.x * 256ll + threadIdx.x; i < pieces; i += gridDim.x * 256ll) {
    const long long row = i / row_pieces, from = row / 2 * row_pieces + i % row_pieces;
    to[i] = up == nullptr ? w[i] : row % 2 == 0 ? w[from] : up[from];
  }
}
