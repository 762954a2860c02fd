// RMSNorm of rows and fp8 codes of what comes out, without the normalized row in device memory.
#pragma once

#include "fused.cuh"

namespace quantize {

// A thread keeps up to this many octets of its row, so K is at most 16,384. The same number, and the same block size, as
// layer_rms_norm, so that the sum has the same order and the normalized row the same bits.
constexpr int kNormOctets = 2;

// One block a row. x, weight [M, K], [K] bf16, K contiguous; codes [M, K] e4m3fn; scales [M] fp32. y = bf16(x / sqrt(mean(x^2)
// + epsilon)) * weight, rounded to bf16; then the scale and the codes of kCtSymmetric on y.
__device__ __forceinline__ void rmsnorm_fp8(const Matrix& matrix, const unsigned char* weight, float epsilon) {
  __shared__ float scratch[32];
  __shared__ Range partial[64];
  using Norm = Kind<kDivideInType, kE4m3>;
  const Scheme scheme = {kCtSymmetric, kE4m3, 8, kFloatScale};
  const int octets = matrix.columns / 8;
  const long long row = static_cast<long long>(blockIdx.x) * octets;
  Octet<Bf16> held[kNormOctets], weights[kNormOctets];
#pragma unroll
  for (int i = 0; i < kNormOctets; i++) {
    int octet = threadIdx.x + i * blockDim.x;
    weights[i] = octet < octets ? load_octet<Bf16>(weight, 8 * octet) : zero_octet<Bf16>();
  }
  reduce::release_successor();
  reduce::wait_for_predecessor();
  float squares = 0.0f;
#pragma unroll
  for (int i = 0; i < kNormOctets; i++) {
    int octet = threadIdx.x + i * blockDim.x;
    held[i] = octet < octets ? load_octet<Bf16>(matrix.weights, 8 * (row + octet)) : zero_octet<Bf16>();
    float values[8];
    unpack<Bf16>(held[i], values);
#pragma unroll
    for (int j = 0; j < 8; j++) squares = __fmaf_rn(values[j], values[j], squares);
  }
  const float mean = __fdiv_rn(reduce::over_block<reduce::Sum>(squares, scratch), static_cast<float>(matrix.columns));
  const float factor = __fdiv_rn(1.0f, __fsqrt_rn(__fadd_rn(mean, epsilon)));
#pragma unroll
  for (int i = 0; i < kNormOctets; i++) {
    float values[8], scales[8];
    unpack<Bf16>(held[i], values);
    unpack<Bf16>(weights[i], scales);
#pragma unroll
    for (int j = 0; j < 8; j++) values[j] = __fmul_rn(Bf16::round(__fmul_rn(values[j], factor)), scales[j]);
#pragma unroll
    for (int j = 0; j < 4; j++) held[i].words[j] = Bf16::pair(values[2 * j], values[2 * j + 1]);
  }
  bool finite;
  const Range range = range_of_block<Bf16>(held, partial, finite);
  const Scale scale = choose<Bf16>(scheme, range, 1.0f);
  const bool regular = finite && is_regular(scheme, scale, range);
  const float reciprocal = __frcp_rn(scale.operand);
#pragma unroll
  for (int i = 0; i < kNormOctets; i++) {
    int octet = threadIdx.x + i * blockDim.x;
    if (octet >= octets) continue;
    float values[8];
    unpack<Bf16>(held[i], values);
    if (regular) {
      positions_of<Bf16, Norm>(values, scale.operand, reciprocal, 0.0f);
    } else {
#pragma unroll
      for (int j = 0; j < 8; j++) values[j] = position_of<Bf16>(values[j], scale, scheme);
    }
    reinterpret_cast<uint2*>(matrix.codes)[row + octet] = codes_of<Norm>(values, 0.0f, 0.0f);
  }
  if (threadIdx.x == 0) write_scale<Bf16>(matrix, scheme, blockIdx.x, scale, 0);
}

}  // namespace quantize
