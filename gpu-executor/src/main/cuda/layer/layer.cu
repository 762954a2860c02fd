// The small operators of a decoder layer. Activations are bf16, arithmetic is fp32; every result is rounded once, to
// nearest even, except where the model's own definition rounds in between (RMSNorm, per-head norm).
//
// kernel                      idea
// layer_rms_norm              one block a row, row held in registers between the sum and the scaling: one read, one write
// layer_add_rms_norm          the same, x + residual first; the sum is written once and not read again
// layer_rope_append_*         4, 8 or 16 lanes a head: norm of the head, rotation in place, k and v to the cache as they pass
// layer_swiglu_*, layer_add   one thread an output vector of 8
// layer_embedding             one block a row
// layer_log_softmax_*         one block a row, one pass: running maximum and sum, four vectors in flight a thread
//
// Shapes (last axis contiguous): x, y, residual [M, N]; SwiGLU input [M, 2 N]; logits [M, V]; q, k and v of a row in one
// buffer [M, (q_heads + 2 kv_heads) * head_dim]; caches [sequences, capacity, kv_heads, head_dim]; cosines and sines
// [positions, head_dim / 2]. N is a multiple of 8, head_dim of 16 and at most 256, V any number. Pointers are 16-byte
// aligned.
// Bound: device memory; at M = 1 latency, hence vectors of 16 bytes, all loads of a thread issued before the first use,
// and the overlap of a kernel's start with the end of the one before.
// Rows never meet and a row's block size follows from its length alone, so its bits do not depend on M.
// Sources: Zhang and Sennrich 2019 (RMSNorm); Su et al. 2021 (RoPE, in the half-split order of transformers); Shazeer 2020
// (SwiGLU); Milakov and Gimelshein 2018 (softmax in one pass).
#include "log_softmax.cuh"
#include "norm.cuh"
#include "pointwise.cuh"
#include "rope.cuh"

using Bf16 = __nv_bfloat16;

// y = bf16(x / sqrt(mean(x^2) + epsilon)) * weight. Grid M, block from norm_threads.
extern "C" __global__ void __launch_bounds__(1024) layer_rms_norm(const Bf16* x, const Bf16* weight, Bf16* y, int n,
                                                                   float epsilon) {
  layer::rms_norm<false>(x, nullptr, weight, y, nullptr, n, epsilon);
}

// residual_out = bf16(x + residual), y = the norm of residual_out. residual_out may be residual.
extern "C" __global__ void __launch_bounds__(1024)
    layer_add_rms_norm(const Bf16* x, const Bf16* residual, const Bf16* weight, Bf16* y, Bf16* residual_out, int n,
                       float epsilon) {
  layer::rms_norm<true>(x, residual, weight, y, residual_out, n, epsilon);
}

#define LAYER_ROPE_APPEND(suffix, type)                                                                                  \
  extern "C" __global__ void __launch_bounds__(layer::kHeadThreads) layer_rope_append_##suffix(                          \
      Bf16* qkv, const int* positions, const int* sequences, const float* cosines, const float* sines,                   \
      const Bf16* q_weight, const Bf16* k_weight, type* k_cache, type* v_cache, float* k_scales, float* v_scales,        \
      int q_heads, int kv_heads, int head_dim, int capacity, int scale_per_token, float epsilon) {                       \
    layer::rope_append(layer::Heads<type>{qkv, positions, sequences, cosines, sines, q_weight, k_weight, k_cache,        \
                                          v_cache, k_scales, v_scales, q_heads, kv_heads, head_dim, capacity,            \
                                          scale_per_token != 0, epsilon});                                               \
  }

LAYER_ROPE_APPEND(bf16, __nv_bfloat16)
LAYER_ROPE_APPEND(int8, int8_t)
LAYER_ROPE_APPEND(fp8, uint8_t)

// Grid (ceil(n / 2048), min(m, 65535)), block 256.
extern "C" __global__ void __launch_bounds__(layer::kPointThreads) layer_swiglu_halves(const Bf16* x, Bf16* y, int m,
                                                                                       int n) {
  layer::swiglu_halves(x, y, m, n);
}

extern "C" __global__ void __launch_bounds__(layer::kPointThreads) layer_swiglu_pairs(const Bf16* x, Bf16* y, int m,
                                                                                      int n) {
  layer::swiglu_pairs(x, y, m, n);
}

// Grid ceil(vectors / 512), block 256; vectors = elements / 8.
extern "C" __global__ void __launch_bounds__(layer::kPointThreads) layer_add(const Bf16* a, const Bf16* b, Bf16* y,
                                                                             long long vectors) {
  layer::add(a, b, y, vectors);
}

// Grid M, block from norm_threads.
extern "C" __global__ void __launch_bounds__(1024) layer_embedding(const Bf16* table, const int* ids, Bf16* y, int n,
                                                                   int vocabulary) {
  layer::embedding(table, ids, y, n, vocabulary);
}

// log_probabilities[m] = log softmax(logits[m])[targets[m]], NaN for a target outside the vocabulary; greedy[m] = the
// first column of the largest logit, -1 when all are NaN; is_greedy[m] = 1 when that is the target. The last two may be
// null. Grid M, block 512.
extern "C" __global__ void __launch_bounds__(layer::kSoftmaxThreads, 2)
    layer_log_softmax_bf16(const Bf16* logits, const int* targets, float* log_probabilities, int* is_greedy, int* greedy,
                           int vocabulary) {
  layer::log_softmax_gather(logits, targets, log_probabilities, is_greedy, greedy, vocabulary);
}

extern "C" __global__ void __launch_bounds__(layer::kSoftmaxThreads, 2)
    layer_log_softmax_fp32(const float* logits, const int* targets, float* log_probabilities, int* is_greedy, int* greedy,
                           int vocabulary) {
  layer::log_softmax_gather(logits, targets, log_probabilities, is_greedy, greedy, vocabulary);
}
