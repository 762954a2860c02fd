// int4 weight-only GEMM for decoding with e4m3 activations: ../gemm_int4.
#include "../gemm_int4/variants.cuh"

GEMM_INT4_GROUPS(GEMM_INT4, e4m3, gemm_int4::Type::kE4m3)
