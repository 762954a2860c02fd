// Statistics of the inputs of linear layers where they lie: extremes and sums of channels, histograms of magnitudes, X^T X; for calibration.
// What quant-lib's InputObserver computes. The same bits but for the sums of products of bf16, which tensor cores add up in an order
// of their own, which depends on nothing but the rows.
//
// Shapes (last axis contiguous): x [rows, pitch], bf16 or fp32, pitch = K rounded up to 16, zeros behind K; h [pitch, pitch] fp32, upper
// tiles of 128 x 128; counts [2, 32640] of magnitudes and of the largest magnitude of each row.
//
// Version 1. fp32 products as sums of outer products (outer_product.cuh), every element one chain over the rows of all calls. bf16:
// mma.m16n8k16, the rows of a call in fp32 on the tensor core, then one addition.
//
// Bound: rows K^2 operations at 989 Tflop/s (bf16) or 67 (fp32) on an H100; 4 K^2 bytes of h read and written a call.
#include "channels.cuh"
#include "gram.cuh"
#include "outer_product.cuh"

#define OBSERVE(type, T)                                                                                                            \
  /* Rows padded to `pitch`, through RMSNorm where `weight` [k] is not null. Grid rows, block 256. */                                \
  extern "C" __global__ void __launch_bounds__(256)                                                                                 \
      observe_arrange_##type(T* y, int pitch, const T* x, int k, const float* weight, float epsilon) {                              \
    observe::arrange(y, pitch, x, k, weight, epsilon);                                                                              \
  }                                                                                                                                 \
  /* part [ceil(rows / 64), 4, pitch]. Grid (ceil(pitch / 128), ceil(rows / 64)), block 128. */                                     \
  extern "C" __global__ void __launch_bounds__(128) observe_channels_##type(float* part, const T* x, int rows, int pitch) {         \
    observe::channels(part, x, rows, pitch);                                                                                        \
  }                                                                                                                                 \
  /* Any grid, block 256. */                                                                                                        \
  extern "C" __global__ void __launch_bounds__(256)                                                                                 \
      observe_histogram_##type(unsigned long long* counts, const T* x, int rows, int k, int pitch) {                                \
    observe::histogram(counts, x, rows, k, pitch);                                                                                  \
  }                                                                                                                                 \
  /* amax [heads]. Grid (heads, any), block 64. */                                                                                  \
  extern "C" __global__ void __launch_bounds__(64)                                                                                  \
      observe_heads_##type(unsigned* amax, const T* x, int rows, int row_elements, int first, int dimension) {                      \
    observe::heads(amax, x, rows, row_elements, first, dimension);                                                                  \
  }

OBSERVE(bf16, uint16_t)
OBSERVE(fp32, float)
#undef OBSERVE

// Adds the upper tiles of X^T X. Grid: tiles of the triangle, block 256.
extern "C" __global__ void __launch_bounds__(observe::kThreads, 2) observe_products_bf16(float* h, const uint16_t* x, int rows, int pitch) {
  __shared__ observe::GramShared shared;
  int row, column;
  outer::upper_tile(static_cast<int>(blockIdx.x), row, column);
  observe::add_gram(h, x, rows, pitch, row * observe::kTile, column * observe::kTile, shared);
}

extern "C" __global__ void __launch_bounds__(outer::kThreads, 2) observe_products_fp32(float* h, const float* x, int rows, int pitch) {
  __shared__ outer::Shared shared;
  int tile_row, tile_column;
  outer::upper_tile(static_cast<int>(blockIdx.x), tile_row, tile_column);
  const int row = tile_row * outer::kTile, column = tile_column * outer::kTile;
  float* at = h + static_cast<long long>(row) * pitch + column;
  float sums[8][8];
  outer::load(at, pitch, pitch - row, pitch - column, sums);
  outer::add<false, false>({x + row, pitch, pitch - row}, {x + column, pitch, pitch - column}, rows, sums, shared);
  outer::store(at, pitch, pitch - row, pitch - column, sums);
}

// Adds the pieces of observe_channels in order. extremes [2, k], sums [2, k]. Grid ceil(k / 128), block 128.
extern "C" __global__ void __launch_bounds__(128)
    observe_add_channels(float* extremes, double* sums, const float* part, int pieces, int k, int pitch) {
  const int column = static_cast<int>(blockIdx.x) * 128 + static_cast<int>(threadIdx.x);
  if (column >= k) return;
  float smallest = extremes[column], largest = extremes[k + column];
  double absolute = sums[column], square = sums[k + column];
  for (int piece = 0; piece < pieces; piece++) {
    const float* from = part + static_cast<long long>(piece) * 4 * pitch + column;
    smallest = reduce::min_nan(smallest, from[0]);
    largest = reduce::max_nan(largest, from[pitch]);
    absolute += from[2 * pitch];
    square += from[3 * pitch];
  }
  extremes[column] = smallest;
  extremes[k + column] = largest;
  sums[column] = absolute;
  sums[k + column] = square;
}

// What nothing was seen by looks like. Any grid, block 256.
extern "C" __global__ void __launch_bounds__(256)
    observe_clear(float* extremes, double* sums, unsigned long long* counts, int k) {
  const long long step = 256ll * gridDim.x;
  for (long long i = blockIdx.x * 256ll + threadIdx.x; i < max(2 * k, 2 * observe::kBins); i += step) {
    if (i < 2 * k) extremes[i] = i < k ? INFINITY : -INFINITY;
    if (i < 2 * k) sums[i] = 0;
    if (i < 2 * observe::kBins) counts[i] = 0;
  }
}

// Sums of two: left += right. Any grid, block 256.
extern "C" __global__ void __launch_bounds__(256)
    observe_merge(float* extremes, const float* other_extremes, double* sums, const double* other_sums, unsigned long long* counts,
                  const unsigned long long* other_counts, int k) {
  const long long step = 256ll * gridDim.x;
  for (long long i = blockIdx.x * 256ll + threadIdx.x; i < max(2 * k, 2 * observe::kBins); i += step) {
    if (i < k) extremes[i] = reduce::min_nan(extremes[i], other_extremes[i]);
    if (i >= k && i < 2 * k) extremes[i] = reduce::max_nan(extremes[i], other_extremes[i]);
    if (i < 2 * k) sums[i] += other_sums[i];
    if (i < 2 * observe::kBins) counts[i] += other_counts[i];
  }
}

// Any grid, block 256.
extern "C" __global__ void __launch_bounds__(256) observe_merge_products(float4* h, const float4* other, long long fours) {
  for (long long i = blockIdx.x * 256ll + threadIdx.x; i < fours; i += 256ll * gridDim.x) {
    const float4 a = h[i], b = other[i];
    h[i] = make_float4(__fadd_rn(a.x, b.x), __fadd_rn(a.y, b.y), __fadd_rn(a.z, b.z), __fadd_rn(a.w, b.w));
  }
}

// Zeros. Any grid, block 256.
extern "C" __global__ void __launch_bounds__(256) observe_zero(float4* h, long long fours) {
  for (long long i = blockIdx.x * 256ll + threadIdx.x; i < fours; i += 256ll * gridDim.x) h[i] = float4{};
}

// The whole symmetric matrix [k, k] from the upper triangle of h [pitch, pitch]. Grid (ceil(k / 32), ceil(k / 32)), block 256.
extern "C" __global__ void __launch_bounds__(256) observe_symmetric(float* to, const float* h, int k, int pitch) {
  __shared__ float tile[32][33];
  if (blockIdx.y > blockIdx.x) return;
  const int lane = static_cast<int>(threadIdx.x) % 32, first_row = static_cast<int>(blockIdx.y) * 32, first_column = static_cast<int>(blockIdx.x) * 32;
  for (int r = static_cast<int>(threadIdx.x) / 32; r < 32; r += 8) {
    const int row = first_row + r, column = first_column + lane;
    if (row < k && column < k) tile[r][lane] = h[static_cast<long long>(row) * pitch + column];
  }
  __syncthreads();
  for (int r = static_cast<int>(threadIdx.x) / 32; r < 32; r += 8) {
    const int row = first_row + r, column = first_column + lane;
    if (row < k && column < k) to[static_cast<long long>(row) * k + column] = row <= column ? tile[r][lane] : tile[lane][r];
    const int mirrored = first_column + r, across = first_row + lane;
    if (first_row != first_column && mirrored < k && across < k) to[static_cast<long long>(mirrored) * k + across] = tile[lane][r];
  }
}

// The larger bits of both. One block of 256.
extern "C" __global__ void __launch_bounds__(256) observe_merge_heads(unsigned* amax, const unsigned* other, int heads) {
  for (int i = static_cast<int>(threadIdx.x); i < heads; i += 256) amax[i] = max(amax[i], other[i]);
}
