// Attention of a decoder layer.
//
// attention_decode_<cache>_<head_dim>  One query token a sequence. The cache is cut into splits of a fixed number of
//     positions; a block of 4 warps takes one split of one KV head and serves all its query heads (8 at most) with one
//     reading. A warp has its own positions and loads all their keys and values into registers before it computes anything:
//     64 KB a block in flight. Both products are mma.m16n8k16 without shared memory: the order of the contraction index and
//     of the columns is free, so a lane's operands are the 16 bytes that it read. Query heads fill rows 0..7; in the second
//     product rows 8..15 carry what rounding the weights to bf16 left over, which makes them accurate to 2^-17 for nothing.
//     In large batches a block takes all splits of a sequence, one after the other, and joins them itself.
// attention_combine                    Joins the splits in their order.
// attention_prefill_<head_dim>         Whole causal sequences: 64 queries a block, 16 a warp, softmax on the way; keys arrive
//     while values are used and the other way round (cp.async, one buffer each).
//
// Shapes (last axis contiguous): q [sequences, q_heads, head_dim] with a row stride, so that it may lie inside a buffer of q,
// k and v; caches [sequences, capacity, kv_heads, head_dim]; scales [sequences, kv_heads, capacity]; prefill: the rows of q,
// k and v `stride` elements apart, boundaries [sequences + 1]; prefixes [sequences, 2] or null: begin and count of the tokens
// that come before a sequence's own and lie elsewhere. Pointers and strides are multiples of 16 bytes.
// Bound: decode, device memory; prefill, the tensor cores.
// A sequence's bits depend on its own data alone: splits and tiles count from its first position, whatever the batch.
// Sources: Dao 2023 (FlashAttention-2); Dao, Haziza, Massa, Sizov 2023 (Flash-Decoding).
#include "combine.cuh"
#include "decode.cuh"
#include "prefill.cuh"

using Bf16 = __nv_bfloat16;

#define ATTENTION_DECODE(suffix, type, dim)                                                                              \
  extern "C" __global__ void __launch_bounds__(attention::kDecodeThreads) attention_decode_##suffix##_##dim(             \
      const Bf16* q, const type* k_cache, const type* v_cache, const float* k_scales, const float* v_scales,             \
      const int* lengths, float* partial, float* marks, Bf16* out, int q_heads, int kv_heads, int q_stride,              \
      int capacity, int splits, int scale_per_token, float scale) {                                                      \
    attention::decode<type, dim>(attention::DecodeArguments{q, k_cache, v_cache, k_scales, v_scales, lengths, partial,   \
                                                            marks, out, q_heads, kv_heads, q_stride, capacity, splits,   \
                                                            scale_per_token != 0, __fmul_rn(scale, reduce::kLog2E)});    \
  }

#define ATTENTION_DECODE_DIMS(suffix, type) \
  ATTENTION_DECODE(suffix, type, 64)        \
  ATTENTION_DECODE(suffix, type, 80)        \
  ATTENTION_DECODE(suffix, type, 96)        \
  ATTENTION_DECODE(suffix, type, 128)       \
  ATTENTION_DECODE(suffix, type, 256)

ATTENTION_DECODE_DIMS(bf16, __nv_bfloat16)
ATTENTION_DECODE_DIMS(int8, int8_t)
ATTENTION_DECODE_DIMS(fp8, uint8_t)

// Grid (q_heads, sequences), block 256. `split` = positions a split of the decode kernel that ran before.
extern "C" __global__ void __launch_bounds__(attention::kCombineThreads)
    attention_combine(const float* partial, const float* marks, const int* lengths, Bf16* out, int head_dim, int split,
                      int splits, int capacity) {
  attention::combine(partial, marks, lengths, out, head_dim, split, splits, capacity);
}

#define ATTENTION_PREFILL(dim)                                                                                           \
  extern "C" __global__ void __launch_bounds__(attention::kPrefillThreads, attention::PrefillTile<dim>::kBlocks)         \
      attention_prefill_##dim(const Bf16* q, const Bf16* k, const Bf16* v, Bf16* out, const int* boundaries,             \
                              const int* prefixes, int q_heads, int kv_heads, int stride, float scale) {                 \
    attention::prefill<dim>(attention::PrefillArguments{q, k, v, out, boundaries, prefixes, q_heads, kv_heads, stride,   \
                                                        __fmul_rn(scale, reduce::kLog2E)});                              \
  }

ATTENTION_PREFILL(64)
ATTENTION_PREFILL(80)
ATTENTION_PREFILL(96)
ATTENTION_PREFILL(128)
ATTENTION_PREFILL(256)
