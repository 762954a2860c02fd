// int4 weight-only GEMM for decoding with fp16 activations: ../gemm_int4.
#include "../gemm_int4/variants.cuh"

GEMM_INT4_GROUPS(GEMM_INT4, fp16, gemm_int4::Type::kFp16)
