// Losses of rows of logits, and their gradients in place of the logits.
#pragma once

#include "reduce.cuh"
#include "stored.cuh"

namespace train_losses {

using stored::Numbers;

constexpr int kThreads = 512;
constexpr float kLn2 = 0.69314718055994531f;

// A logit in units of log2, less that of the largest.
__device__ __forceinline__ float exponent(float x, float factor, float largest) { return __fmaf_rn(x, factor, -largest); }

// The first `kept` columns of a row stay in shared memory between two passes; the others are read again, from L2 as a rule.
struct Row {
  Numbers all, front;
  long long begin;
  int kept;

  // Columns from `column` on, a multiple of kCount, and so is `kept`.
  template <int kCount>
  __device__ __forceinline__ void first(int column, float (&to)[kCount]) const {
    all.load(begin + column, to);
    if (column < kept) front.store(column, to);
  }

  template <int kCount>
  __device__ __forceinline__ void again(int column, float (&to)[kCount]) const {
    if (column < kept) {
      front.load(column, to);
    } else {
      all.load(begin + column, to);
    }
  }
};

// The largest logit that a thread has seen, in units of log2, and the sum of 2^(factor x - largest).
struct Softmax {
  float largest = -INFINITY;
  float sum = 0.0f;

  template <int kCount>
  __device__ __forceinline__ void take(const float (&x)[kCount], float factor) {
    float top = x[0];
#pragma unroll
    for (int i = 1; i < kCount; i++) top = fmaxf(top, x[i]);
    top = __fmul_rn(top, factor);
    if (top > largest) {
      sum = __fmul_rn(sum, reduce::exp2_fast(__fsub_rn(largest, top)));
      largest = top;
    }
    const float base = largest == -INFINITY ? 0.0f : largest;
#pragma unroll
    for (int i = 0; i < kCount; i++) sum = __fadd_rn(sum, reduce::exp2_fast(exponent(x[i], factor, base)));
  }

  // Of the whole row, in every thread.
  __device__ __forceinline__ void join(float* scratch) {
    const float top = reduce::over_block<reduce::Max>(largest, scratch);
    const float share = sum == 0.0f ? 0.0f : __fmul_rn(sum, reduce::exp2_fast(__fsub_rn(largest, top)));
    sum = reduce::over_block<reduce::Sum>(share, scratch + 32);
    largest = top;
  }
};

// losses[row] = log(sum of exp(x)) - x[target]; x = weight (softmax(x) - 1 at the target), rounded once. kCount logits at a time: 8
// where the vocabulary is a multiple of 8, else 1.
template <int kCount>
__device__ __forceinline__ void cross_entropy(const Row& row, int target, float weight, float* loss, int vocabulary) {
  __shared__ float scratch[64];
  if (target < 0) {
    const float zeros[kCount] = {};
    for (int column = kCount * threadIdx.x; column < vocabulary; column += kCount * kThreads) row.all.store(row.begin + column, zeros);
    if (threadIdx.x == 0) *loss = 0.0f;
    return;
  }
  Softmax softmax;
#pragma unroll 2
  for (int column = kCount * threadIdx.x; column < vocabulary; column += kCount * kThreads) {
    float x[kCount];
    row.first(column, x);
    softmax.take(x, reduce::kLog2E);
  }
  const float given = row.all.at(row.begin + target);
  softmax.join(scratch);  // Behind its barriers the logit of the target may be overwritten.
  if (threadIdx.x == 0) *loss = __fmul_rn(kLn2, __fsub_rn(log2f(softmax.sum), exponent(given, reduce::kLog2E, softmax.largest)));
  const float factor = __fdiv_rn(weight, softmax.sum);
#pragma unroll 2
  for (int column = kCount * threadIdx.x; column < vocabulary; column += kCount * kThreads) {
    float x[kCount];
    row.again(column, x);
#pragma unroll
    for (int i = 0; i < kCount; i++) {
      x[i] = __fmul_rn(reduce::exp2_fast(exponent(x[i], reduce::kLog2E, softmax.largest)), factor);
      if (column + i == target) x[i] = __fsub_rn(x[i], weight);
    }
    row.all.store(row.begin + column, x);
  }
}

// What the logits of a row learn from.
struct Wanted {
  Row teacher;
  float temperature;
  int target;    // below 0: none
  float labels;  // what its cross entropy counts beside the divergence
};

// losses[row] = t^2 KL(softmax(teacher / t) || softmax(x / t)) + labels (log(sum of exp(x)) - x[target]); x = weight (t (softmax(x / t) -
// softmax(teacher / t)) + labels (softmax(x) - 1 at the target)), rounded once.
template <int kCount>
__device__ __forceinline__ void divergence(const Row& row, const Wanted& wanted, float weight, float* loss, int vocabulary) {
  __shared__ float scratch[224];
  const float factor = __fdiv_rn(reduce::kLog2E, wanted.temperature);
  const bool labelled = wanted.target >= 0;
  Softmax given, right, plain;
  for (int column = kCount * threadIdx.x; column < vocabulary; column += kCount * kThreads) {
    float x[kCount], y[kCount];
    row.first(column, x);
    wanted.teacher.first(column, y);
    given.take(x, factor);
    right.take(y, factor);
    if (labelled) plain.take(x, reduce::kLog2E);
  }
  const float labelled_logit = labelled ? row.all.at(row.begin + wanted.target) : 0.0f;
  given.join(scratch);  // Behind its barriers the logit of the target may be overwritten.
  right.join(scratch + 64);
  if (labelled) plain.join(scratch + 160);
  const float scale = __fmul_rn(weight, wanted.temperature), label = __fmul_rn(weight, wanted.labels);
  const float ours = __fdiv_rn(scale, given.sum), theirs = __fdiv_rn(scale, right.sum), others = __fdiv_rn(label, plain.sum);
  float gaps = 0.0f;
  for (int column = kCount * threadIdx.x; column < vocabulary; column += kCount * kThreads) {
    float x[kCount], y[kCount];
    row.again(column, x);
    wanted.teacher.again(column, y);
#pragma unroll
    for (int i = 0; i < kCount; i++) {
      const float one = exponent(x[i], factor, given.largest), other = exponent(y[i], factor, right.largest);
      const float power = reduce::exp2_fast(other);
      gaps = __fmaf_rn(power, __fsub_rn(other, one), gaps);
      const float gradient = __fsub_rn(__fmul_rn(reduce::exp2_fast(one), ours), __fmul_rn(power, theirs));
      if (labelled) {
        const float own = __fmul_rn(reduce::exp2_fast(exponent(x[i], reduce::kLog2E, plain.largest)), others);
        x[i] = __fadd_rn(gradient, column + i == wanted.target ? __fsub_rn(own, label) : own);
      } else {
        x[i] = gradient;
      }
    }
    row.all.store(row.begin + column, x);
  }
  gaps = reduce::over_block<reduce::Sum>(gaps, scratch + 128);
  if (threadIdx.x != 0) return;
  const double t = wanted.temperature;
  double sum = t * t * (kLn2 * gaps / static_cast<double>(right.sum) - log(static_cast<double>(right.sum)) + log(static_cast<double>(given.sum)));
  if (labelled) sum += wanted.labels * kLn2 * (log2(static_cast<double>(plain.sum)) - exponent(labelled_logit, reduce::kLog2E, plain.largest));
  *loss = static_cast<float>(sum);
}

}  // namespace train_losses
