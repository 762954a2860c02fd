// GPTQ (Frantar et al. 2022, algorithm 1) in fp32: the upper Cholesky factor of the inverse of the inputs' second moments, and the codes
// of weights whose rounding errors are passed on to later columns. The bits are those of quant-lib's CpuGptq.
//
// Shapes (last axis contiguous): a [stride, stride], stride = K rounded up to 16; weights and steps on their way [K, pitch], transposed:
// column after column in the order in which they are rounded, pitch = rows rounded up to 32; scales [groups, pitch].
//
// Version 1. Blocks of 128. The factor from its last row on (H = R R^T, then R^-1), as quant-lib's InverseFactor: one factorization and
// one triangular inverse. Updates of the trailing matrix, products of the inverse and the lazy update of weights are sums of outer products
// (outer_product.cuh), every element one chain of fused multiply-adds, so no sum depends on tiles.
//
// Bound: the fma units, 2/3 K^3 operations for the factor and N K^2 for a weight [N, K] at 67 Tflop/s on an H100.
#include "factor.cuh"
#include "solve.cuh"

#include "reduce.cuh"

// A from second moments h [k, k] (element [i, j] for i at most j): rows and columns by `order`, last first; diagonal [k] given, by place;
// those of 1 beyond k. Grid (ceil(stride / 32), ceil(stride / 32)), block 256.
extern "C" __global__ void __launch_bounds__(gptq::kThreads)
    gptq_arrange(float* a, const float* h, const int* order, const float* diagonal, int k, int stride) {
  const int y = static_cast<int>(blockIdx.x) * 32 + static_cast<int>(threadIdx.x) % 32;
  const int i = stride - 1 - y;
  for (int x = static_cast<int>(blockIdx.y) * 32 + static_cast<int>(threadIdx.x) / 32; x < min(stride, static_cast<int>(blockIdx.y) * 32 + 32);
       x += gptq::kThreads / 32) {
    const int j = stride - 1 - x;
    if (y >= stride) continue;
    float value = 0.0f;
    if (i == j) {
      value = j < k ? diagonal[j] : 1.0f;
    } else if (i < j && j < k) {
      const int one = order[i], other = order[j];
      value = h[static_cast<long long>(min(one, other)) * k + max(one, other)];
    }
    a[static_cast<long long>(x) * stride + y] = value;
  }
}

// V of the diagonal block of rows begin .. begin + count - 1, and the roots of its pivots in roots [stride]. A pivot that is no positive number makes *failed 1; nothing is done once
// it is. One block of 256, gptq::kDiagonalBytes shared.
extern "C" __global__ void __launch_bounds__(gptq::kThreads) gptq_diagonal(float* a, float* roots, int stride, int begin, int count, int* failed) {
  extern __shared__ __align__(16) float memory[];
  float (*v)[gptq::kBlock] = reinterpret_cast<float (*)[gptq::kBlock]>(memory);
  if (*failed != 0) return;
  float* at = a + static_cast<long long>(begin) * stride + begin;
  for (int e = static_cast<int>(threadIdx.x); e < gptq::kBlock * gptq::kBlock; e += gptq::kThreads) {
    const int row = e / gptq::kBlock, column = e % gptq::kBlock;
    v[row][column] = row < count && column < count ? at[static_cast<long long>(row) * stride + column] : 0.0f;
  }
  __syncthreads();
  if (!gptq::factor_block(v, count, roots + begin)) {
    if (threadIdx.x == 0) *failed = 1;
    return;
  }
  for (int e = static_cast<int>(threadIdx.x); e < gptq::kBlock * gptq::kBlock; e += gptq::kThreads) {
    const int row = e / gptq::kBlock, column = e % gptq::kBlock;
    if (row <= column && column < count) at[static_cast<long long>(row) * stride + column] = v[row][column];
  }
}

// The rest of the 128 rows of V from `begin` on. Grid ceil((stride - begin - 128) / 64), block 256, gptq::kPanelBytes shared.
extern "C" __global__ void __launch_bounds__(gptq::kThreads) gptq_panel(float* a, const float* roots, int stride, int begin, const int* failed) {
  extern __shared__ __align__(16) float memory[];
  float (*v)[gptq::kBlock] = reinterpret_cast<float (*)[gptq::kBlock]>(memory);
  float (*x)[gptq::kColumns] = reinterpret_cast<float (*)[gptq::kColumns]>(memory + gptq::kBlock * gptq::kBlock);
  float* own_roots = memory + gptq::kBlock * (gptq::kBlock + gptq::kColumns);
  if (*failed != 0) return;
  for (int i = static_cast<int>(threadIdx.x); i < gptq::kBlock; i += gptq::kThreads) own_roots[i] = roots[begin + i];
  const float* diagonal = a + static_cast<long long>(begin) * stride + begin;
  const int first = begin + gptq::kBlock + static_cast<int>(blockIdx.x) * gptq::kColumns;
  float* at = a + static_cast<long long>(begin) * stride + first;
  for (int e = static_cast<int>(threadIdx.x); e < gptq::kBlock * gptq::kBlock; e += gptq::kThreads) {
    v[e / gptq::kBlock][e % gptq::kBlock] = diagonal[static_cast<long long>(e / gptq::kBlock) * stride + e % gptq::kBlock];
  }
  for (int e = static_cast<int>(threadIdx.x); e < gptq::kBlock * gptq::kColumns; e += gptq::kThreads) {
    const int row = e / gptq::kColumns, column = e % gptq::kColumns;
    x[row][column] = first + column < stride ? at[static_cast<long long>(row) * stride + column] : 0.0f;
  }
  __syncthreads();
  gptq::solve_panel(v, own_roots, x);
  for (int e = static_cast<int>(threadIdx.x); e < gptq::kBlock * gptq::kColumns; e += gptq::kThreads) {
    const int row = e / gptq::kColumns, column = e % gptq::kColumns;
    if (first + column < stride) at[static_cast<long long>(row) * stride + column] = x[row][column];
  }
}

// Subtracts from the upper triangle behind `begin` + 128 what 128 rows of V say. Grid: tiles of the triangle, block 256.
extern "C" __global__ void __launch_bounds__(outer::kThreads, 2) gptq_update(float* a, int stride, int begin, const int* failed) {
  __shared__ outer::Shared shared;
  if (*failed != 0) return;
  int tile_row, tile_column;
  outer::upper_tile(static_cast<int>(blockIdx.x), tile_row, tile_column);
  const int row = begin + gptq::kBlock + tile_row * outer::kTile, column = begin + gptq::kBlock + tile_column * outer::kTile;
  const float* above = a + static_cast<long long>(begin) * stride;
  float* at = a + static_cast<long long>(row) * stride + column;
  float sums[8][8];
  outer::load(at, stride, stride - row, stride - column, sums);
  outer::add<true, false>({above + row, stride, stride - row}, {above + column, stride, stride - column}, gptq::kBlock, sums, shared);
  outer::store(at, stride, stride - row, stride - column, sums);
}

// The lower triangle becomes the mirror image of the upper one, which keeps V while W takes its place; diagonal [stride] that of V. Grid
// (ceil(stride / 32), ceil(stride / 32)), block 256.
extern "C" __global__ void __launch_bounds__(gptq::kThreads) gptq_mirror(float* a, float* diagonal, int stride) {
  __shared__ float tile[32][33];
  if (blockIdx.y > blockIdx.x) return;
  const int lane = static_cast<int>(threadIdx.x) % 32, first_row = static_cast<int>(blockIdx.y) * 32, first_column = static_cast<int>(blockIdx.x) * 32;
  for (int r = static_cast<int>(threadIdx.x) / 32; r < 32; r += gptq::kThreads / 32) {
    const int row = first_row + r, column = first_column + lane;
    if (row < stride && column < stride) {
      const float value = a[static_cast<long long>(row) * stride + column];
      tile[r][lane] = value;
      if (row == column) diagonal[row] = value;
    }
  }
  __syncthreads();
  for (int r = static_cast<int>(threadIdx.x) / 32; r < 32; r += gptq::kThreads / 32) {
    const int row = first_column + r, column = first_row + lane;
    if (row < stride && column < row) a[static_cast<long long>(row) * stride + column] = tile[lane][r];
  }
}

// What the rows of W behind `begin` + 128 contribute to the 128 rows from `begin` on. Grid ceil((stride - begin - 128) / 128), block 256.
extern "C" __global__ void __launch_bounds__(outer::kThreads, 2) gptq_invert_product(float* a, int stride, int begin) {
  __shared__ outer::Shared shared;
  const int end = begin + gptq::kBlock;
  const int column = end + static_cast<int>(gridDim.x - 1 - blockIdx.x) * outer::kTile;   // the longest sums first
  float sums[8][8] = {};
  const float* from = a + static_cast<long long>(end) * stride;
  outer::add<true, false>({from + begin, stride, gptq::kBlock}, {from + column, stride, stride - column}, column - end, sums, shared);
  from = a + static_cast<long long>(column) * stride;
  outer::add<true, true>({from + begin, stride, gptq::kBlock}, {from + column, stride, stride - column},
                         min(outer::kTile, stride - column), sums, shared);
  outer::store(a + static_cast<long long>(begin) * stride + column, stride, gptq::kBlock, stride - column, sums);
}

// Rows begin .. begin + count - 1 of W, for columns from `begin` on. Grid ceil((stride - begin) / 64), block 256, gptq::kSolveBytes shared.
extern "C" __global__ void __launch_bounds__(gptq::kThreads)
    gptq_invert_solve(float* a, const float* diagonal, int stride, int begin, int count) {
  extern __shared__ __align__(16) float memory[];
  float (*v)[gptq::kPitch] = reinterpret_cast<float (*)[gptq::kPitch]>(memory);
  float (*x)[gptq::kColumns] = reinterpret_cast<float (*)[gptq::kColumns]>(memory + gptq::kBlock * gptq::kPitch);
  const int first = begin + static_cast<int>(blockIdx.x) * gptq::kColumns;
  for (int e = static_cast<int>(threadIdx.x); e < count * count; e += gptq::kThreads) {
    const int p = e / count, i = e % count;
    if (p > i) v[i][p] = a[static_cast<long long>(begin + p) * stride + begin + i];
  }
  for (int e = static_cast<int>(threadIdx.x); e < count * gptq::kColumns; e += gptq::kThreads) {
    const int row = e / gptq::kColumns, column = first + e % gptq::kColumns;
    float value = row == column - begin ? 1.0f : 0.0f;
    if (column >= begin + count && column < stride) value = a[static_cast<long long>(begin + row) * stride + column];
    x[row][e % gptq::kColumns] = value;
  }
  __syncthreads();
  if (threadIdx.x < gptq::kColumns) {
    gptq::solve_inverse(v, x, diagonal + begin, count, first - begin + static_cast<int>(threadIdx.x));
  }
  __syncthreads();
  for (int e = static_cast<int>(threadIdx.x); e < count * gptq::kColumns; e += gptq::kThreads) {
    const int row = e / gptq::kColumns, column = first + e % gptq::kColumns;
    if (column < stride && column - begin >= row) {
      a[static_cast<long long>(begin + row) * stride + column] = x[row][e % gptq::kColumns];
    }
  }
}

// U[i, j] = W[stride - 1 - j, stride - 1 - i] in place, for i at most j. Grid (ceil(stride / 32), ceil(stride / 32)), block 256.
extern "C" __global__ void __launch_bounds__(gptq::kThreads) gptq_reverse(float* a, int stride) {
  const int j = static_cast<int>(blockIdx.x) * 32 + static_cast<int>(threadIdx.x) % 32;
  for (int r = static_cast<int>(threadIdx.x) / 32; r < 32; r += gptq::kThreads / 32) {
    const int i = static_cast<int>(blockIdx.y) * 32 + r;
    if (j >= stride || i > j || i + j >= stride - 1) continue;
    float* one = a + static_cast<long long>(i) * stride + j;
    float* other = a + static_cast<long long>(stride - 1 - j) * stride + stride - 1 - i;
    const float value = *one;
    *one = *other;
    *other = value;
  }
}

// Weights [rows, k] of `type` to [k, pitch], columns by `order`; zeros where `skip` of the row or `dead` of the column is not 0.
// Grid (ceil(k / 32), pitch / 32), block 256.
extern "C" __global__ void __launch_bounds__(gptq::kThreads)
    gptq_load(float* to, const void* weights, int type, const int* order, const unsigned char* dead, const unsigned char* skip, int rows,
              int k, int pitch) {
  __shared__ float tile[32][33];
  const int lane = static_cast<int>(threadIdx.x) % 32, first_place = static_cast<int>(blockIdx.x) * 32, first_row = static_cast<int>(blockIdx.y) * 32;
  const int place = first_place + lane;
  const int column = place < k ? order[place] : 0;
  const bool alive = place < k && dead[column] == 0;
  for (int r = static_cast<int>(threadIdx.x) / 32; r < 32; r += gptq::kThreads / 32) {
    const int row = first_row + r;
    float value = 0.0f;
    if (alive && row < rows && skip[row] == 0) {
      const long long at = static_cast<long long>(row) * k + column;
      if (type == gptq::kFp32) value = static_cast<const float*>(weights)[at];
      else if (type == gptq::kBf16) value = numbers::bf16_to_float(static_cast<const uint16_t*>(weights)[at]);
      else value = numbers::fp16_to_float(static_cast<const uint16_t*>(weights)[at]);
    }
    tile[r][lane] = value;
  }
  __syncthreads();
  for (int c = static_cast<int>(threadIdx.x) / 32; c < 32; c += gptq::kThreads / 32) {
    if (first_place + c < k) to[static_cast<long long>(first_place + c) * pitch + first_row + lane] = tile[lane][c];
  }
}

// Rounds `count` columns from place `begin` on; weights become steps, errors [128, pitch] what is to be passed on, losses [pitch] grow by
// squared errors, *clipped by the positions beyond the codes. `u` is null where errors are not passed on. Grid pitch / 32, block 256,
// gptq::kSolveRowsBytes shared.
extern "C" __global__ void __launch_bounds__(gptq::kThreads)
    gptq_round(float* weights, float* errors, const float* u, int stride, int begin, int count, const float* operand,
               const float* dequantize, const float* zero_point, const int* groups, float* losses, unsigned long long* clipped, int rows,
               int pitch, int codes, int type, float smallest, float largest, float clipped_below, float clipped_above) {
  extern __shared__ __align__(16) float memory[];
  gptq::SolveShared& shared = *reinterpret_cast<gptq::SolveShared*>(memory);
  const gptq::Rule rule{codes, type, smallest, largest, clipped_below, clipped_above};
  const int lane = static_cast<int>(threadIdx.x) % 32, row = static_cast<int>(blockIdx.x) * 32 + lane;
  const bool factored = u != nullptr;
  for (int e = static_cast<int>(threadIdx.x); e < gptq::kBlock * gptq::kBlock; e += gptq::kThreads) {
    const int i = e / gptq::kBlock, j = e % gptq::kBlock;
    const bool inside = factored && i <= j && j < count;
    shared.u[i][j] = inside ? u[static_cast<long long>(begin + i) * stride + begin + j] : 0.0f;
  }
  for (int place = static_cast<int>(threadIdx.x) / 32; place < count; place += gptq::kThreads / 32) {
    shared.weights[place][lane] = weights[static_cast<long long>(begin + place) * pitch + row];
  }
  float loss = threadIdx.x < 32 ? losses[row] : 0.0f;
  int beyond = 0;
  for (int narrow = 0; narrow < count; narrow += gptq::kNarrow) {
    for (int p = static_cast<int>(threadIdx.x) / 32; p < min(gptq::kNarrow, count - narrow); p += gptq::kThreads / 32) {
      const long long at = static_cast<long long>(groups[begin + narrow + p]) * pitch + row;
      shared.scales[0][p][lane] = operand[at];
      shared.scales[1][p][lane] = dequantize[at];
      shared.scales[2][p][lane] = zero_point[at];
    }
    __syncthreads();
    if (threadIdx.x < 32) beyond += gptq::round_narrow(shared, narrow, count, rule, factored, loss);
    __syncthreads();
    if (factored) {
      gptq::pass_on(shared, narrow, count);
      for (int p = static_cast<int>(threadIdx.x) / 32; p < min(gptq::kNarrow, count - narrow); p += gptq::kThreads / 32) {
        errors[static_cast<long long>(narrow + p) * pitch + row] = shared.errors[p][lane];
      }
    }
    __syncthreads();
  }
  for (int place = static_cast<int>(threadIdx.x) / 32; place < count; place += gptq::kThreads / 32) {
    const float step = shared.weights[place][lane];
    weights[static_cast<long long>(begin + place) * pitch + row] = step;
  }
  if (threadIdx.x < 32) {
    losses[row] = loss;
    beyond = row < rows ? beyond : 0;
    for (int distance = 16; distance > 0; distance /= 2) beyond += __shfl_xor_sync(reduce::kFullWarp, beyond, distance);
    if (lane == 0 && beyond > 0) atomicAdd(clipped, static_cast<unsigned long long>(beyond));   // whole numbers: any order
  }
}

// Passes the errors of places begin .. begin + 127 on to all later ones. Grid (ceil(pitch / 128), ceil((k - begin - 128) / 128)), block 256.
extern "C" __global__ void __launch_bounds__(outer::kThreads, 2)
    gptq_pass_on(float* weights, const float* errors, const float* u, int stride, int begin, int k, int pitch) {
  __shared__ outer::Shared shared;
  const int place = begin + gptq::kBlock + static_cast<int>(blockIdx.y) * outer::kTile, row = static_cast<int>(blockIdx.x) * outer::kTile;
  float* at = weights + static_cast<long long>(place) * pitch + row;
  float sums[8][8];
  outer::load(at, pitch, k - place, pitch - row, sums);
  outer::add<false, false>({u + static_cast<long long>(begin) * stride + place, stride, stride - place}, {errors + row, pitch, pitch - row},
                           gptq::kBlock, sums, shared);
  outer::store(at, pitch, k - place, pitch - row, sums);
}

// Steps [k, pitch] by place to [rows, k] by column. Grid (ceil(k / 32), pitch / 32), block 256.
extern "C" __global__ void __launch_bounds__(gptq::kThreads)
    gptq_store(float* steps, const float* from, const int* order, int rows, int k, int pitch) {
  __shared__ float tile[32][33];
  const int lane = static_cast<int>(threadIdx.x) % 32, first_place = static_cast<int>(blockIdx.x) * 32, first_row = static_cast<int>(blockIdx.y) * 32;
  for (int c = static_cast<int>(threadIdx.x) / 32; c < 32; c += gptq::kThreads / 32) {
    if (first_place + c < k) tile[c][lane] = from[static_cast<long long>(first_place + c) * pitch + first_row + lane];
  }
  __syncthreads();
  const int place = first_place + lane;
  if (place >= k) return;
  const int column = order[place];
  for (int r = static_cast<int>(threadIdx.x) / 32; r < 32; r += gptq::kThreads / 32) {
    if (first_row + r < rows) steps[static_cast<long long>(first_row + r) * k + column] = tile[lane][r];
  }
}
