// int4 weight-only GEMM for decoding with bf16 activations (variants.cuh), and the kernel that lays weights out for all types. The other
// types are operations of their own, gemm_int4_fp16 and gemm_int4_e4m3: each takes a minute to compile.
#include "variants.cuh"

#ifndef GEMM_INT4_VARIANTS   // the bench builds others
#define GEMM_INT4_VARIANTS(V) GEMM_INT4_GROUPS(V, bf16, gemm_int4::Type::kBf16)
#endif

GEMM_INT4_VARIANTS(GEMM_INT4)

// From compressed-tensors' pack-quantized tensors: codes int32 [N, K / 8], scales [N, K / group] or (row_scale, group = 128)
// [N, 1], zeros int32 [ceil(N / 8), K / group] or [ceil(N / 8), 1] or null. e4m3_codes: for e4m3 activations. Grid
// (ceil(K / 128), ceil(N / 128)), block 256.
//
// up_codes, up_scales, up_zeros: null, or the rows 2 i of the tiles are rows i of the first matrix, 2 i + 1 those of this one; n counts
// both.
extern "C" __global__ void __launch_bounds__(gemm_int4::kTileThreads)
    gemm_int4_tile(const uint32_t* codes, const uint16_t* scales, const uint32_t* zeros, const uint32_t* up_codes, const uint16_t* up_scales,
                   const uint32_t* up_zeros, uint8_t* tiled, int n, int k, int group, int row_scale, int e4m3_codes) {
  gemm_int4::tile(gemm_int4::PackedWeights{codes, scales, zeros, n, k, group, row_scale != 0, up_codes, up_scales, up_zeros}, tiled,
                  e4m3_codes != 0);
}
