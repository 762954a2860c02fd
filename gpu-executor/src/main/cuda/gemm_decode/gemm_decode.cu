// Decode GEMM: Y [M, N] = X [M, K] W [N, K]^T for M = 1..128 rows of activations, K contiguous in X, N contiguous in Y.
// The time is that of reading W once; everything here serves that.
//
// Versions
//   1 (current). W pre-tiled by gemm_decode_tile into contiguous blocks of H rows x 128 bytes of K in wgmma's 128-byte swizzle, so that
//     one-dimensional bulk copies stream it (no tensor map). W is the wgmma A operand (64 rows a piece), X the B operand (n columns).
//     H and the split of K over C blocks of a cluster depend on (N, K) alone and make one wave of the device. Partial sums meet
//     in distributed shared memory, each block of the cluster adds a slice in the order of rank. fp8 sums move to fp32 registers every
//     512 of K. Weights are prefetched into the ring before griddepcontrol.wait, X after it.
//     Source: design/kernels.md (own experiment); the idea of promoting fp8 sums and of 1x128 / 128x128 scales: DeepSeek-V3 report, 3.3.2.
//
// Names: gemm_decode_<types>[_block]_n<n>_c<C>: types e4m3 (both), e5m2 (activations; weights e4m3), int8, bf16; _block: scales of X per
// 1 x 128, of W per 128 x 128; n columns an instruction, M <= n; C blocks a cluster. Arguments, grid, shared memory: layout.cuh, plan.cuh.
// A row of X has the same bits whatever M, n and the pass height are.
#include "kernel.cuh"

#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900
#define GEMM_DECODE_CLUSTER(c) __cluster_dims__(c, 1, 1)
#else
#define GEMM_DECODE_CLUSTER(c)
#endif
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
#define GEMM_DECODE_RUN(TYPES, BLOCK, N, C, ...) gemm_decode::Gemm<gemm_decode::TYPES, N, BLOCK, C>::run(gemm_decode::Problem{__VA_ARGS__})
#else
#define GEMM_DECODE_RUN(TYPES, BLOCK, N, C, ...) __trap()
#endif

#define GEMM_DECODE_KERNEL(NAME, TYPES, BLOCK, N, C)                                                                          \
  extern "C" __global__ void GEMM_DECODE_CLUSTER(C)                                                                           \
      __launch_bounds__(gemm_decode::Registers<gemm_decode::TYPES, N, BLOCK>::kBound, 1)                                      \
      gemm_decode_##NAME##_n##N##_c##C(void* y, const uint8_t* x, const uint8_t* w, const float* scale_x, const float* scale_w, \
                                       const float* bias, const void* residual, int m, int n, int k, int tile_rows,           \
                                       int pass_rows, int stages, int flags) {                                                \
    GEMM_DECODE_RUN(TYPES, BLOCK, N, C, y, x, w, scale_x, scale_w, bias, residual, m, n, k, tile_rows, pass_rows, stages,     \
                    flags);                                                                                                   \
  }

#define GEMM_DECODE_CLUSTERS(NAME, TYPES, BLOCK, N) \
  GEMM_DECODE_KERNEL(NAME, TYPES, BLOCK, N, 1)      \
  GEMM_DECODE_KERNEL(NAME, TYPES, BLOCK, N, 2)      \
  GEMM_DECODE_KERNEL(NAME, TYPES, BLOCK, N, 3)      \
  GEMM_DECODE_KERNEL(NAME, TYPES, BLOCK, N, 4)

#define GEMM_DECODE_FAMILY(NAME, TYPES, BLOCK)   \
  GEMM_DECODE_CLUSTERS(NAME, TYPES, BLOCK, 8)    \
  GEMM_DECODE_CLUSTERS(NAME, TYPES, BLOCK, 32)   \
  GEMM_DECODE_CLUSTERS(NAME, TYPES, BLOCK, 64)   \
  GEMM_DECODE_CLUSTERS(NAME, TYPES, BLOCK, 128)

GEMM_DECODE_FAMILY(e4m3, E4m3, false)
GEMM_DECODE_FAMILY(e5m2, E5m2, false)
GEMM_DECODE_FAMILY(int8, Int8, false)
GEMM_DECODE_FAMILY(bf16, Bf16, false)
GEMM_DECODE_FAMILY(e4m3_block, E4m3, true)
GEMM_DECODE_FAMILY(e5m2_block, E5m2, true)

// Row-major weights [n, k] of `k_bytes` a row to the tiles of layout.cuh, once, at load. With `up` the result interleaves two
// matrices of n / 2 rows: row 2 i is row i of `w`, row 2 i + 1 row i of `up`. One thread a 16-byte piece of the result, any grid;
// n * ceil(k_bytes / 128) * 128 bytes are written. The GEMM prefetches weights before it waits for its predecessor: this kernel
// must be complete, not merely launched just before.
extern "C" __global__ void __launch_bounds__(256) gemm_decode_tile(uint4* tiled, const uint8_t* w, const uint8_t* up, int n, int k_bytes,
                                                                   int tile_rows) {
  using namespace gemm_decode;
  const int blocks = ceil_div(k_bytes, kBlockBytes);
  const long long pieces = static_cast<long long>(n) * blocks * 8, tile_pieces = static_cast<long long>(tile_rows) * blocks * 8;
  for (long long i = blockIdx.x * 256ll + threadIdx.x; i < pieces; i += gridDim.x * 256ll) {
    const int tile = static_cast<int>(i / tile_pieces), rows = min(tile_rows, n - tile * tile_rows);
    const int inside = static_cast<int>(i - tile * tile_pieces), block = inside / (rows * 8), r = inside / 8 % rows;
    const int row = tile * tile_rows + r, byte = block * kBlockBytes + (inside % 8 ^ r % 8) * 16;
    const uint8_t* from = up == nullptr ? w + static_cast<long long>(row) * k_bytes
                                        : (row % 2 == 0 ? w : up) + static_cast<long long>(row / 2) * k_bytes;
    tiled[i] = byte < k_bytes ? *reinterpret_cast<const uint4*>(from + byte) : make_uint4(0, 0, 0, 0);
  }
}
