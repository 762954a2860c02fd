// The next token of each sequence, from logits that stay on the device.
//
// kernel          idea
// sample_tokens   one block a row: largest logit; a threshold for top-k and for top-p by seven pivots a pass; sums of 256 segments
//                 in whole numbers; one warp finds the segment, then the token
//
// Shapes (last axis contiguous): logits [M, V] fp32, V any number; rows [M, 4] int32: flags (1 idle, 2 greedy, 4 forbids),
// position, sample low, sample high; next [M] int32.
// Bound: reads of the row, from L2: 3 without top-k and top-p, 8 to 13 more for each of them.
// Weights are whole numbers (weight.cuh), so that their sums have no order: a row's token follows from its own logits, the rule,
// the seed, sample and position, and is the one that ReferenceTokenSampler takes.
// Sources: Salmon et al. 2011 (Philox); Holtzman et al. 2020 (top-p).
#include "tokens.cuh"

// Grid M, block 512. top_p: the share behind the binary point, 0 for all; top_k 0 for all; scale = 1 / (temperature ln 2).
// forbidden [forbidden_count] may be null where that is 0.
extern "C" __global__ void __launch_bounds__(sample::kThreads, 2)
    sample_tokens(float* logits, const int4* rows, const int* forbidden, int* next, unsigned long long seed, unsigned long long top_p,
                  int vocabulary, int forbidden_count, int top_k, float scale) {
  sample::tokens(logits, rows, forbidden, next, sample::Rule{seed, top_p, top_k, scale}, vocabulary, forbidden_count);
}
