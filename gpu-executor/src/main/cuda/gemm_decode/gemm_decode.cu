// Decode GEMM: Y [M, N] = X [M, K] W [N, K]^T for M = 1..128 rows of activations, K contiguous in X, N contiguous in Y.
// The time is that of reading W once; everything here serves that.
//
// W pre-tiled by gemm_decode_tile into contiguous blocks of R rows x 128 bytes of K in wgmma's 128-byte swizzle, so that one-dimensional bulk
// copies stream it. W is the wgmma A operand (64 rows a warpgroup), X the B operand (n columns), brought from row-major memory by a tensor map.
// R and the split of K over C blocks of a cluster depend on (N, K) alone. Each block of a cluster sends the others their slices of its partial
// sums by bulk copies between shared memories, and adds its own slice in the order of rank. fp8 sums move to fp32 registers every 512 of K.
// Weights are prefetched into the ring before griddepcontrol.wait, X after it. Versions, and what was tried and lost: README.md.
// Source: design/kernels.md (own experiment); the idea of promoting fp8 sums and of 1x128 / 128x128 scales: DeepSeek-V3 report, 3.3.2.
//
// Names: gemm_decode_<types>[_block]_n<n>_c<C>: types e4m3 (both), e5m2 (activations; weights e4m3), int8, bf16; _block: scales of X per
// 1 x 128, of W per 128 x 128; n columns an instruction, M <= n; C blocks a cluster. Arguments, grid, shared memory: layout.cuh, plan.cuh.
// A row of X has the same bits whatever M, n and the height are.
#include <cuda.h>

#include "kernel.cuh"

#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900
#define GEMM_DECODE_CLUSTER(blocks) __cluster_dims__(blocks, 1, 1)
#else
#define GEMM_DECODE_CLUSTER(blocks)
#endif
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
#define GEMM_DECODE_RUN(TYPES, BLOCK, N, C, ...) \
  gemm_decode::Gemm<gemm_decode::TYPES, N, BLOCK, C>::run(&x, gemm_decode::Problem{__VA_ARGS__})
#else
#define GEMM_DECODE_RUN(TYPES, BLOCK, N, C, ...) __trap()
#endif

#define GEMM_DECODE_KERNEL(NAME, TYPES, BLOCK, N, C)                                                                            \
  extern "C" __global__ void GEMM_DECODE_CLUSTER(C)                                                                             \
      __launch_bounds__(gemm_decode::Registers<gemm_decode::TYPES, N, BLOCK>::kBound, 1)                                        \
      gemm_decode_##NAME##_n##N##_c##C(const __grid_constant__ CUtensorMap x, void* y, const uint8_t* w, const float* scale_x,   \
                                       const float* scale_w, const float* bias, const void* residual, int m, int n, int k,      \
                                       int tile_rows, int rows, int stages, int flags) {                                        \
    GEMM_DECODE_RUN(TYPES, BLOCK, N, C, y, w, scale_x, scale_w, bias, residual, m, n, k, tile_rows, rows, stages, flags);       \
  }

#define GEMM_DECODE_SPLITS(NAME, TYPES, BLOCK, N) \
  GEMM_DECODE_KERNEL(NAME, TYPES, BLOCK, N, 1)    \
  GEMM_DECODE_KERNEL(NAME, TYPES, BLOCK, N, 2)    \
  GEMM_DECODE_KERNEL(NAME, TYPES, BLOCK, N, 4)

#define GEMM_DECODE_FAMILY(NAME, TYPES, BLOCK)  \
  GEMM_DECODE_SPLITS(NAME, TYPES, BLOCK, 16)    \
  GEMM_DECODE_SPLITS(NAME, TYPES, BLOCK, 32)    \
  GEMM_DECODE_SPLITS(NAME, TYPES, BLOCK, 64)    \
  GEMM_DECODE_SPLITS(NAME, TYPES, BLOCK, 128)

GEMM_DECODE_FAMILY(e4m3, E4m3, false)
GEMM_DECODE_FAMILY(e5m2, E5m2, false)
GEMM_DECODE_FAMILY(int8, Int8, false)
GEMM_DECODE_FAMILY(bf16, Bf16, false)
GEMM_DECODE_FAMILY(e4m3_block, E4m3, true)
GEMM_DECODE_FAMILY(e5m2_block, E5m2, true)

// Row-major weights [n, k] of `k_bytes` a row to the tiles of layout.cuh, once, at load. With `up` the result interleaves two
// matrices of n / 2 rows: row 2 i is row i of `w`, row 2 i + 1 row i of `up`. One thread a 16-byte piece of the result, any grid;
// ceil(n / tile_rows) * tile_rows * ceil(k_bytes / 128) * 128 bytes are written. The GEMM prefetches weights before it waits for its
// predecessor: this kernel must be complete, not merely launched just before.
extern "C" __global__ void __launch_bounds__(256) gemm_decode_tile(uint4* tiled, const uint8_t* w, const uint8_t* up, int n, int k_bytes,
                                                                   int tile_rows) {
  using namespace gemm_decode;
  const int blocks = ceil_div(k_bytes, kBlockBytes);
  const long long tile_pieces = static_cast<long long>(tile_rows) * blocks * 8, pieces = ceil_div(n, tile_rows) * tile_pieces;
  for (long long i = blockIdx.x * 256ll + threadIdx.x; i < pieces; i += gridDim.x * 256ll) {
    const int tile = static_cast<int>(i / tile_pieces), inside = static_cast<int>(i - tile * tile_pieces);
    const int block = inside / (tile_rows * 8), r = inside / 8 % tile_rows;
    const int row = tile * tile_rows + r, byte = block * kBlockBytes + (inside % 8 ^ r % 8) * 16;
    const uint8_t* from = up == nullptr ? w + static_cast<long long>(row) * k_bytes
                                        : (row % 2 == 0 ? w : up) + static_cast<long long>(row / 2) * k_bytes;
    tiled[i] = row < n && byte < k_bytes ? *reinterpret_cast<const uint4*>(from + byte) : make_uint4(0, 0, 0, 0);
  }
}
