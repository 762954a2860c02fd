// The attention half of a decoder layer in training: norms and rotation of heads, causal attention of packed sequences, and their
// gradients.
//
// train_attention_forward_<dim>           64 queries a warpgroup against tiles of 64 keys, softmax on the way; leaves the logarithm of the
//     sum of exponentials
// train_attention_query_gradient_<dim>    the same tiles: S and dP, dS as left operand in registers, dQ += dS K; leaves rowsum(dO * O)
// train_attention_key_gradient_<dim>      64 keys a warpgroup against tiles of 64 queries of every head that shares them: S^T and dP^T, so that
//     P^T and dS^T are left operands as they stand in registers; dV += P^T dO, dK += dS^T Q
// train_attention_plain_*                 the same three for heads of any size, fp32 or bf16 in any place: a warp a row, products by fma
// train_attention_heads_*, _norm_*        norms and rotation; the gradient of rotation is the rotation back
//
// Shapes (last axis contiguous): q, k, v of a token in one row [tokens, (q_heads + 2 kv_heads) dim]; results and their gradients
// [tokens, q_heads dim]; log sums and means [tokens, q_heads]; boundaries [sequences + 1]. Pointers are multiples of 16 bytes.
// The first three are bf16 on Hopper: wgmma, which reads a tile both as rows of keys and as rows of values where it lies.
// Bound: bf16, the tensor cores, and 2^x beside them; plain, shared memory; heads, device memory.
// Nothing is added atomically: dQ is summed by one block over keys, dK and dV by one block over heads and queries, always in that
// order. S is computed twice for it, 7 products where 5 would do.
// Source: Dao 2023 (FlashAttention-2), algorithm 2.
#include "forward.cuh"
#include "heads.cuh"
#include "hopper.cuh"
#include "key_gradient.cuh"
#include "plain.cuh"

using Bf16 = __nv_bfloat16;

// Warpgroups of a block.
#define TRAIN_ATTENTION_GROUPS 1

// The last: blocks on a multiprocessor.
#define TRAIN_ATTENTION_FORWARD(dim, groups, blocks)                                                                           \
  extern "C" __global__ void __launch_bounds__(128 * groups, blocks)                                                           \
      train_attention_forward_##dim(const Bf16* qkv, Bf16* out, float* log_sums, const int* boundaries, int q_heads,           \
                                    int kv_heads, float scale) {                                                               \
    HOPPER_BODY(const Bf16* k = qkv + q_heads * dim;                                                                           \
                train_attention::forward<dim, groups>({qkv, k, k + kv_heads * dim, out, log_sums, boundaries, q_heads,         \
                                                       kv_heads, (q_heads + 2 * kv_heads) * dim, scale}))                      \
  }

#define TRAIN_ATTENTION_GRADIENT(which, dim, groups, blocks)                                                                   \
  extern "C" __global__ void __launch_bounds__(128 * groups, blocks) train_attention_##which##_gradient_##dim(                 \
      const Bf16* qkv, const Bf16* out, const Bf16* d_out, const float* log_sums, float* means, Bf16* d_qkv,                   \
      const int* boundaries, int q_heads, int kv_heads, float scale) {                                                         \
    HOPPER_BODY(const int k = q_heads * dim; const int v = k + kv_heads * dim;                                                 \
                train_attention::which##_gradient<dim, groups>({qkv, qkv + k, qkv + v, out, d_out, log_sums, means, d_qkv,     \
                                                                d_qkv + k, d_qkv + v, boundaries, q_heads, kv_heads,           \
                                                                v + kv_heads * dim, scale}))                                   \
  }

TRAIN_ATTENTION_FORWARD(64, TRAIN_ATTENTION_GROUPS, 4 / TRAIN_ATTENTION_GROUPS)
TRAIN_ATTENTION_FORWARD(128, TRAIN_ATTENTION_GROUPS, 2 / TRAIN_ATTENTION_GROUPS)
TRAIN_ATTENTION_GRADIENT(query, 64, TRAIN_ATTENTION_GROUPS, 3 / TRAIN_ATTENTION_GROUPS)
TRAIN_ATTENTION_GRADIENT(query, 128, TRAIN_ATTENTION_GROUPS, 2 / TRAIN_ATTENTION_GROUPS)
TRAIN_ATTENTION_GRADIENT(key, 64, TRAIN_ATTENTION_GROUPS, 3 / TRAIN_ATTENTION_GROUPS)
TRAIN_ATTENTION_GRADIENT(key, 128, TRAIN_ATTENTION_GROUPS, 2 / TRAIN_ATTENTION_GROUPS)

// is_bf16: bit 0 qkv, 1 out, 2 d_out, 3 d_qkv.
#define TRAIN_ATTENTION_PLAIN(which)                                                                                          \
  extern "C" __global__ void __launch_bounds__(train_attention::kPlainThreads) train_attention_plain_##which(                 \
      void* qkv, void* out, float* log_sums, void* d_out, void* d_qkv, float* means, const int* boundaries, int is_bf16,      \
      int q_heads, int kv_heads, int dim, float scale) {                                                                      \
    train_attention::plain_##which(train_attention::PlainArguments{                                                           \
        {qkv, (is_bf16 & 1) != 0}, {out, (is_bf16 & 2) != 0}, log_sums, {d_out, (is_bf16 & 4) != 0},                          \
        {d_qkv, (is_bf16 & 8) != 0}, means, boundaries, q_heads, kv_heads, dim, scale});                                      \
  }

TRAIN_ATTENTION_PLAIN(forward)
TRAIN_ATTENTION_PLAIN(query_gradient)
TRAIN_ATTENTION_PLAIN(key_gradient)

// is_bf16: bit 0 x, 1 y, 2 the weight of q's norm, 3 that of k's.
#define TRAIN_ATTENTION_HEADS(name, body)                                                                                     \
  extern "C" __global__ void __launch_bounds__(train_attention::kHeadThreads) train_attention_##name(                         \
      void* x, void* y, void* query, void* key, const int* positions, const float* cosines, const float* sines,               \
      float* partial, int is_bf16, int tokens, int q_heads, int kv_heads, int dim, float query_epsilon, float key_epsilon) {  \
    const train_attention::HeadArguments a = {{x, (is_bf16 & 1) != 0}, {y, (is_bf16 & 2) != 0}, {query, (is_bf16 & 4) != 0},  \
                                              {key, (is_bf16 & 8) != 0}, positions, cosines, sines, tokens, q_heads,          \
                                              kv_heads, dim, query_epsilon, key_epsilon};                                     \
    body;                                                                                                                     \
  }

// Block 256. _1 for heads of any even size, grid ceil(tokens * heads / 32); _8 for multiples of 16, grid ceil(tokens * heads / 64).
TRAIN_ATTENTION_HEADS(heads_1, (train_attention::turn_heads<1, 8, false>(a)))
TRAIN_ATTENTION_HEADS(heads_8, (train_attention::turn_heads<8, 4, false>(a)))
TRAIN_ATTENTION_HEADS(heads_back_1, (train_attention::turn_heads<1, 8, true>(a)))
TRAIN_ATTENTION_HEADS(heads_back_8, (train_attention::turn_heads<8, 4, true>(a)))
// Grid (ceil(tokens / 32), 2), block 256; x as it was read, y the gradient.
TRAIN_ATTENTION_HEADS(norm_gradient, (train_attention::norm_gradient(a, partial)))

// Grid 1, block 256.
extern "C" __global__ void __launch_bounds__(train_attention::kHeadThreads)
    train_attention_norm_sums(const float* partial, float* gradient, int pieces, int which, int dim) {
  train_attention::add_norm_sums(partial, gradient, pieces, which, dim);
}
