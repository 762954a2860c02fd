// GPTQ over a block of 128 columns for 32 rows of a weight: one lane a row. Errors go to the other columns of a narrow block of 16 at
// once, to the rest of the 128 when the narrow one is done. Rounding is that of quant-lib's PlainColumns.
#pragma once

#include <cstdint>

#include "factor.cuh"
#include "numbers.cuh"

namespace gptq {

constexpr int kRows = 32;       // of a block of threads

// What codes are, in the order of CudaGptqSolver.
enum Codes { kInteger = 0, kE4m3 = 1, kE2m1 = 2 };

// Types of weights, in the order of CudaGptqSolver.
enum Type { kBf16 = 0, kFp16 = 1, kFp32 = 2 };

struct Rule {
  int codes, type;
  float smallest, largest;              // integers
  float clipped_below, clipped_above;   // positions beyond are clipped

  __device__ __forceinline__ float step(float position) const {
    float value;
    if (codes == kE4m3) value = numbers::e4m3_to_float(numbers::float_to_e4m3(position));
    else if (codes == kE2m1) value = numbers::e2m1_to_float(numbers::float_to_e2m1(position));
    else value = rintf(fmaxf(smallest, fminf(largest, position)));
    return copysignf(value, position);
  }

  __device__ __forceinline__ float round(float value) const {
    return type == kBf16 ? numbers::round_bf16(value) : type == kFp16 ? numbers::round_fp16(value) : value;
  }

  __device__ __forceinline__ bool clips(float position) const { return position < clipped_below || position > clipped_above; }
};

struct SolveShared {
  alignas(16) float u[kBlock][kBlock];
  float weights[kBlock][kRows];
  float errors[kNarrow][kRows];   // of the narrow block
  float scales[3][kNarrow][kRows];   // operand, dequantize, zero point
};
constexpr int kSolveRowsBytes = sizeof(SolveShared);

// Where the scales of a slice lie: [groups, pitch] each.
struct Scales {
  const float *operand, *dequantize, *zero_point;
  const int* groups;   // of each place
};

// Rounds a narrow block; returns how many positions were clipped. By one warp.
__device__ __forceinline__ int round_narrow(SolveShared& shared, int narrow, int count, const Rule& rule, bool factored, float& loss) {
  const int lane = static_cast<int>(threadIdx.x);
  float own[kNarrow];
  int clipped = 0;
#pragma unroll
  for (int p = 0; p < kNarrow; p++) own[p] = narrow + p < count ? shared.weights[narrow + p][lane] : 0.0f;
#pragma unroll
  for (int p = 0; p < kNarrow; p++) {
    if (narrow + p < count) {
      const float zero_point = shared.scales[2][p][lane];
      const float position = __fadd_rn(__fdiv_rn(own[p], shared.scales[0][p][lane]), zero_point);
      clipped += rule.clips(position) ? 1 : 0;
      const float step = rule.step(position);
      shared.weights[narrow + p][lane] = step;
      if (factored) {
        const float value = rule.round(__fmul_rn(__fsub_rn(step, zero_point), shared.scales[1][p][lane]));
        const float error = __fdiv_rn(__fsub_rn(value, own[p]), shared.u[narrow + p][narrow + p]);
        shared.errors[p][lane] = error;
        loss = __fadd_rn(loss, __fmul_rn(error, error));
#pragma unroll
        for (int i = p + 1; i < kNarrow; i++) own[i] = __fmaf_rn(shared.u[narrow + p][narrow + i], error, own[i]);
      }
    }
  }
  return clipped;
}

// Passes the errors of a narrow block on to the rest of the 128 columns, four at a time a warp.
__device__ __forceinline__ void pass_on(SolveShared& shared, int narrow, int count) {
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  float errors[kNarrow];
#pragma unroll
  for (int q = 0; q < kNarrow; q++) errors[q] = shared.errors[q][lane];
  for (int i = narrow + kNarrow + 4 * warp; i < count; i += 4 * kThreads / 32) {
    float sums[4];
#pragma unroll
    for (int r = 0; r < 4; r++) sums[r] = shared.weights[i + r][lane];
#pragma unroll
    for (int q = 0; q < kNarrow; q++) {
      const float4 left = *reinterpret_cast<const float4*>(&shared.u[narrow + q][i]);
      sums[0] = __fmaf_rn(left.x, errors[q], sums[0]);
      sums[1] = __fmaf_rn(left.y, errors[q], sums[1]);
      sums[2] = __fmaf_rn(left.z, errors[q], sums[2]);
      sums[3] = __fmaf_rn(left.w, errors[q], sums[3]);
    }
#pragma unroll
    for (int r = 0; r < 4; r++) shared.weights[i + r][lane] = sums[r];
  }
}

}  // namespace gptq
