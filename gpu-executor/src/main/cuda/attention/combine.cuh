// The second half of decode attention: joins the splits of a sequence in their order.
#pragma once

#include "reduce.cuh"

namespace attention {

constexpr int kCombineThreads = 256;

// One block a (head, sequence). Threads form groups of head_dim / 4; group r takes the splits r, r + groups, ..., then the
// groups are summed in order: the order depends on the length of the sequence and on head_dim alone.
__device__ __forceinline__ void combine(const float* partial, const float* marks, const int* lengths, __nv_bfloat16* out,
                                        int head_dim, int split, int splits, int capacity) {
  __shared__ float scratch[32];
  __shared__ float4 results[kCombineThreads];
  __shared__ float totals[kCombineThreads];
  const long long row = static_cast<long long>(blockIdx.y) * gridDim.x + blockIdx.x;
  const int lanes = head_dim / 4, groups = kCombineThreads / lanes;
  const int group = threadIdx.x / lanes, lane = threadIdx.x % lanes;
  reduce::release_successor();
  reduce::wait_for_predecessor();
  const int wanted = (min(lengths[blockIdx.y], capacity) + split - 1) / split;
  const int used = wanted <= splits ? wanted : 0;
  const float* mark = marks + 2 * row * splits;
  float top = -INFINITY;
  for (int i = threadIdx.x; i < used; i += kCombineThreads) top = fmaxf(top, mark[2 * i]);
  top = reduce::over_block<reduce::Max>(top, scratch);
  const float base = top == -INFINITY ? 0.0f : top;

  const float4* vectors = reinterpret_cast<const float4*>(partial + row * splits * head_dim) + lane;
  float4 sum = {};
  float total = 0.0f;
  if (group < groups) {
#pragma unroll 4
    for (int i = group; i < used; i += groups) {
      const float weight = reduce::exp2_fast(__fsub_rn(mark[2 * i], base));
      const float4 v = vectors[static_cast<long long>(i) * lanes];
      total = __fmaf_rn(weight, mark[2 * i + 1], total);
      sum.x = __fmaf_rn(weight, v.x, sum.x);
      sum.y = __fmaf_rn(weight, v.y, sum.y);
      sum.z = __fmaf_rn(weight, v.z, sum.z);
      sum.w = __fmaf_rn(weight, v.w, sum.w);
    }
  }
  results[threadIdx.x] = sum;
  totals[threadIdx.x] = total;
  __syncthreads();
  if (group > 0) return;
  for (int i = 1; i < groups; i++) {
    const float4 v = results[i * lanes + lane];
    total = __fadd_rn(total, totals[i * lanes + lane]);
    sum.x = __fadd_rn(sum.x, v.x);
    sum.y = __fadd_rn(sum.y, v.y);
    sum.z = __fadd_rn(sum.z, v.z);
    sum.w = __fadd_rn(sum.w, v.w);
  }
  // An empty sequence attends to nothing: zeros. One that is longer than the caller said gives NaN.
  if (used == 0) total = wanted == 0 ? 1.0f : __int_as_float(0x7FC00000);
  __nv_bfloat162* to = reinterpret_cast<__nv_bfloat162*>(out + row * head_dim) + 2 * lane;
  to[0] = __floats2bfloat162_rn(__fdiv_rn(sum.x, total), __fdiv_rn(sum.y, total));
  to[1] = __floats2bfloat162_rn(__fdiv_rn(sum.z, total), __fdiv_rn(sum.w, total));
}

// The same to the bit where a sequence has no more splits than combine() has groups: head_dim / 4 threads a (head, sequence) `row`,
// `lane` among them. There each group had one split, and those without added 0.
__device__ __forceinline__ void combine_row(const float* partial, const float* marks, int length, __nv_bfloat16* out, int head_dim,
                                            int split, int splits, long long row, int lane) {
  const int wanted = (length + split - 1) / split, used = wanted <= splits ? wanted : 0;
  const float* mark = marks + 2 * row * splits;
  float top = -INFINITY;
  for (int i = 0; i < used; i++) top = fmaxf(top, mark[2 * i]);
  const float base = top == -INFINITY ? 0.0f : top;
  const float4* vectors = reinterpret_cast<const float4*>(partial + row * splits * head_dim) + lane;
  float4 sum = {};
  float total = 0.0f;
#pragma unroll 4
  for (int i = 0; i < used; i++) {
    const float weight = reduce::exp2_fast(__fsub_rn(mark[2 * i], base));
    const float4 v = vectors[i * (head_dim / 4)];
    total = __fadd_rn(total, __fmul_rn(weight, mark[2 * i + 1]));
    sum.x = __fadd_rn(sum.x, __fmul_rn(weight, v.x));
    sum.y = __fadd_rn(sum.y, __fmul_rn(weight, v.y));
    sum.z = __fadd_rn(sum.z, __fmul_rn(weight, v.z));
    sum.w = __fadd_rn(sum.w, __fmul_rn(weight, v.w));
  }
  if (used == 0) total = wanted == 0 ? 1.0f : __int_as_float(0x7FC00000);
  __nv_bfloat162* to = reinterpret_cast<__nv_bfloat162*>(out + row * head_dim) + 2 * lane;
  to[0] = __floats2bfloat162_rn(__fdiv_rn(sum.x, total), __fdiv_rn(sum.y, total));
  to[1] = __floats2bfloat162_rn(__fdiv_rn(sum.z, total), __fdiv_rn(sum.w, total));
}

}  // namespace attention
