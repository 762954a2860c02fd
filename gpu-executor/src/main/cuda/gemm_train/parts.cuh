// Adds the partial sums of a stream of blocks, in the order of the depth.
#pragma once

#include "work.cuh"

namespace gemm_train {

struct Parts {
  const float* parts;   // tiles of tile_rows x kColumns, in the order of their numbers
  int tile_rows, rows, columns, depth_blocks, units;
};

// Four columns of Y [m, n] a thread; n is a multiple of 4.
__device__ __forceinline__ void add_parts(float* y, int m, int n, const Parts& p) {
  const int row = static_cast<int>(blockIdx.x), column = 4 * static_cast<int>(blockIdx.y * blockDim.x + threadIdx.x);
  if (column >= n) return;
  const int tile = column / kColumns * p.rows + row / p.tile_rows, work = p.rows * p.columns * p.depth_blocks;
  const int inside = row % p.tile_rows * kColumns + column % kColumns, tile_elements = p.tile_rows * kColumns;
  const int first = Stream::unit_of(tile * p.depth_blocks, p.units, work);
  const int last = Stream::unit_of((tile + 1) * p.depth_blocks - 1, p.units, work);
  float4* to = reinterpret_cast<float4*>(y + static_cast<long long>(row) * n + column);
  float4 sum = {0, 0, 0, 0};
#pragma unroll 4
  for (int unit = first; unit <= last; unit++) {
    const float4 part = *reinterpret_cast<const float4*>(p.parts + static_cast<long long>(unit + tile) * tile_elements + inside);
    sum = make_float4(sum.x + part.x, sum.y + part.y, sum.z + part.z, sum.w + part.w);
  }
  const float4 before = *to;
  *to = make_float4(before.x + sum.x, before.y + sum.y, before.z + sum.z, before.w + sum.w);
}

}  // namespace gemm_train
