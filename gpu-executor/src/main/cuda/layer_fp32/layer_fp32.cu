// The operators of a decoder layer in fp32, for scores that nothing shall round: sums and results are fp32, no TF32, and every
// sum has one order.
//
// kernel                          idea
// layer_fp32_rms_norm             one block a row
// layer_fp32_heads                a warp a head: norm of the head, rotation in place
// layer_fp32_attention_<dim>      64 queries of a head a block against tiles of 64 keys, 4 x 4 scores and 4 x dim / 16 sums a thread
// layer_fp32_swiglu, _add         a thread a number
//
// Shapes (last axis contiguous): x, y [rows, N]; SwiGLU input [rows, 2 N], gates first; q, k and v of a row in one buffer
// [rows, (q_heads + 2 kv_heads) * head_dim]; cosines and sines [positions, head_dim / 2]. Any N; head_dim even and at most 256.
// Bound: attention by the fma units, 4 fma a pair and element; the rest by device memory.
// Rows never meet, and tiles of keys count from the first token of a sequence: a row's bits do not depend on the others.
#include "attention.cuh"
#include "rows.cuh"

// y = x / sqrt(mean(x^2) + epsilon) * weight. Grid rows, block 256. y may be x.
extern "C" __global__ void __launch_bounds__(layer_fp32::kThreads)
    layer_fp32_rms_norm(const float* x, const float* weight, float* y, int n, float epsilon) {
  layer_fp32::rms_norm(x, weight, y, n, epsilon);
}

// q_weight, k_weight: [head_dim], or null. A row with a negative position is left alone. Grid (rows, ceil((q_heads + kv_heads) / 8)).
extern "C" __global__ void __launch_bounds__(layer_fp32::kThreads)
    layer_fp32_heads(float* qkv, const int* positions, const float* cosines, const float* sines, const float* q_weight, const float* k_weight,
                     int q_heads, int kv_heads, int head_dim, float epsilon) {
  layer_fp32::prepare_head(qkv, positions, cosines, sines, q_weight, k_weight, q_heads, kv_heads, head_dim, epsilon);
}

// silu(x[r, i]) * x[r, n + i]. Grid (ceil(n / 256), min(rows, 65535)).
extern "C" __global__ void __launch_bounds__(layer_fp32::kThreads) layer_fp32_swiglu(const float* x, float* y, int rows, int n) {
  layer_fp32::swiglu(x, y, rows, n);
}

// y = a + b; y may be a or b. Grid ceil(count / 256).
extern "C" __global__ void __launch_bounds__(layer_fp32::kThreads)
    layer_fp32_add(const float* a, const float* b, float* y, long long count) {
  layer_fp32::add(a, b, y, count);
}

// Causal attention of whole sequences, out [tokens, q_heads * head_dim]; boundaries [sequences + 1]: sequence i is the tokens
// boundaries[i] .. boundaries[i + 1] - 1; prefixes as in ../attention. head_dim is at most the <dim> of the name. Grid (ceil(longest / 64), q_heads, sequences),
// block 256, Tile<dim>::kBytes of dynamic shared memory.
#define LAYER_FP32_ATTENTION(dim)                                                                                           \
  extern "C" __global__ void __launch_bounds__(layer_fp32::kThreads)                                                        \
      layer_fp32_attention_##dim(const float* qkv, float* out, const int* boundaries, const int* prefixes, int q_heads,     \
                                 int kv_heads, int head_dim, float scale) {                                                 \
    layer_fp32::attention<dim>(qkv, out, boundaries, prefixes, q_heads, kv_heads, head_dim, scale);                         \
  }

LAYER_FP32_ATTENTION(64)
LAYER_FP32_ATTENTION(128)
LAYER_FP32_ATTENTION(256)
