// What a mixture of experts does beside its products: choose experts, sort tokens by expert, add what experts gave.
//
// kernel              idea
// mixture_route       a warp a token: softmax of its scores in fp32, then the largest one after the other
// mixture_sort        one block: counts by expert, their offsets, places; the count never leaves the device
// mixture_sum         a thread 8 numbers of a token: its experts' rows by their weights, in the order of expert indices, then the residual
// mixture_add_fp32    a thread a number: one expert's row of every token that chose it, onto the residual
//
// Shapes (last axis contiguous): scores [tokens, experts] fp32; choices [tokens, each] int32, ascending in a token, and weights of them in
// fp32; offsets [experts + 1]; places and rows [tokens * each] int32: choice i of all stands at places[i] of the sorted rows, and sorted
// row s is token rows[s]. Up to 512 experts, 16 of a token.
// Bound: device memory; the sort by the atomics of one multiprocessor.
// A token's choices, weights and sum are its own. Where it stands among its expert's tokens is left to the atomics: no bit depends on it.
#include "route.cuh"

// normalized: weights of a token are divided by their sum. Grid ceil(tokens / 4), block 128.
extern "C" __global__ void __launch_bounds__(mixture::kRouteThreads)
    mixture_route(const float* scores, int* choices, float* weights, int tokens, int experts, int each, int normalized) {
  mixture::route(scores, choices, weights, tokens, experts, each, normalized != 0);
}

// Grid 1, block 1024.
extern "C" __global__ void __launch_bounds__(mixture::kSortThreads)
    mixture_sort(const int* choices, int* offsets, int* places, int* rows, int count, int experts, int each) {
  mixture::sort(choices, offsets, places, rows, count, experts, each);
}

// y += sum of weights * sorted[places], rounded once; sorted [tokens * each, n], n a multiple of 8.
// Grid (ceil(n / 2048), min(tokens, 65535)), block 256.
extern "C" __global__ void __launch_bounds__(mixture::kThreads)
    mixture_sum(const __nv_bfloat16* sorted, const int* places, const float* weights, __nv_bfloat16* y, int tokens, int n, int each) {
  mixture::sum(sorted, places, weights, y, tokens, n, each);
}

// y += weight * x where a token chose the expert; x [tokens, n] of that expert. Grid (ceil(n / 256), min(tokens, 65535)), block 256.
extern "C" __global__ void __launch_bounds__(mixture::kThreads)
    mixture_add_fp32(const float* x, const int* choices, const float* weights, float* y, int tokens, int n, int each, int expert) {
  mixture::add_fp32(x, choices, weights, y, tokens, n, each, expert);
}
