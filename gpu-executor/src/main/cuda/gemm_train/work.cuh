// Which part of a product a block computes next.
#pragma once

#include <cstdint>

namespace gemm_train {

// Part of the sums of one tile: `blocks` blocks of the depth from `first`.
struct Segment {
  int row, column;   // tiles
  int first, blocks;
  int slot;          // where partial sums go
};

// Whole tiles, cluster after cluster, in groups of kGroup rows of tiles, so that what runs together shares both operands in L2.
// `rows` counts tiles of a whole cluster.
struct Tiles {
  int rows, columns, depth_blocks;
  int index, step;

  __device__ __forceinline__ bool next(Segment& to) {
    constexpr int kGroup = 8;
    if (index >= rows * columns) return false;
    const int group = index / (kGroup * columns), within = index % (kGroup * columns);
    const int size = min(kGroup, rows - group * kGroup);
    to = {group * kGroup + within % size, within / size, 0, depth_blocks, 0};
    index += step;
    return true;
  }
};

// The blocks of all tiles, one behind the other, in `units` parts that differ by one block at most (stream-K, Osama et al. 2023).
// Unit u has blocks begin(u) to begin(u + 1) - 1; its segment of tile t is number u + t of all: unique and in order.
struct Stream {
  int rows, columns, depth_blocks, units;
  int unit, at, end;

  __host__ __device__ static int begin(int unit, int units, int work) {
    return static_cast<int>(static_cast<long long>(unit) * work / units);
  }

  // The unit that has a block.
  __host__ __device__ static int unit_of(int block, int units, int work) {
    return static_cast<int>(((block + 1LL) * units - 1) / work);
  }

  __device__ static Stream of(int rows, int columns, int depth_blocks, int units, int unit) {
    const int work = rows * columns * depth_blocks;
    return {rows, columns, depth_blocks, units, unit, begin(unit, units, work), begin(unit + 1, units, work)};
  }

  __device__ __forceinline__ bool next(Segment& to) {
    if (at >= end) return false;
    const int tile = at / depth_blocks, first = at % depth_blocks, blocks = min(depth_blocks - first, end - at);
    to = {tile % rows, tile / rows, first, blocks, unit + tile};
    at += blocks;
    return true;
  }
};

}  // namespace gemm_train
