// The heuristic: which tiles a weight gets, and how a GEMM on them is launched. Host code without CUDA calls; the Java class does the
// same arithmetic. Enumerate, discard with a reason, choose.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "layout.cuh"

namespace gemm_decode {

constexpr int kSharedBytes = 232448;      // what one block may have on sm_90
constexpr int kHalfSharedBytes = 115712;  // what each of two blocks on one multiprocessor may have
constexpr int kMaxTileRows = 512;         // 4 warpgroups of 2 pieces at n = 32

// Clusters of C blocks that run at the same time, one block a multiprocessor. Clusters lie inside groups (GPCs) of multiprocessors,
// some of which have one or two more than others: an H100 of 132 runs 66 of two, 39 of three, 30 of four (measured).
inline int clusters_at_once(int cluster, int multiprocessors) {
  return cluster <= 2 ? multiprocessors / cluster : cluster == 3 ? multiprocessors * 13 / 44 : multiprocessors * 5 / 22;
}

// A weight's tiling: a function of N, K and the device alone, because it decides the order of summation.
struct Tiling {
  int tile_rows, cluster;
  double cost;            // the fourth power of microseconds, about
  std::string discarded;  // why not, or empty
};

// Microseconds of a GEMM with one byte an element and few rows, in a chain, from times of 2026-11-24 on an H100 (README.md): streaming
// runs at 3.13 bytes a picosecond of 132 multiprocessors; a cluster of C adds kHandOver[C - 1], a block of K 0.02 (8192 x 8192: h128 c2
// against h64 c1), a further wave 0.5 (28672 x 4096, one wave against two). A block by itself cannot be faster than 3 for start, X and
// end and 0.1 a block of K (4096 x 4096: h64 c2, 6144 x 4096: h48 c1). Where the two are alike they add up: the norm with exponent 4.
constexpr double kBytesPerUs = 3.13e6, kBlockUs = 0.02, kWaveUs = 0.5, kChainUs = 3.0, kChainBlockUs = 0.1;
constexpr double kHandOver[4] = {0.5, 1.2, 1.9, 2.6};

inline Tiling judge_tiling(int n, int k_blocks, int tile_rows, int cluster, int multiprocessors) {
  const int tiles = ceil_div(n, tile_rows), waves = ceil_div(tiles, clusters_at_once(cluster, multiprocessors));
  const int blocks = ceil_div(k_blocks, cluster);
  Tiling tiling{tile_rows, cluster, 0, ""};
  double stream = static_cast<double>(tiles) * tile_rows * k_blocks * kBlockBytes / (kBytesPerUs * multiprocessors / 132) +
                  kHandOver[cluster - 1] + kBlockUs * blocks + kWaveUs * (waves - 1);
  // More than 256 rows take two passes from M = 33 on, more than 192 from M = 65 on.
  if (tile_rows > groups_of(64) * pieces_of(64) * kPieceRows) stream *= 1.025;
  const double chain = kChainUs + kHandOver[cluster - 1] + kChainBlockUs * blocks * waves;
  tiling.cost = stream * stream * stream * stream + chain * chain * chain * chain;
  if (tile_rows > kMaxTileRows) tiling.discarded = "more rows than four warpgroups hold";
  else if (cluster > 1 && blocks < 4) tiling.discarded = "fewer than 4 blocks of K a thread block";
  else if (cluster > 1 && tile_rows < kPieceRows) tiling.discarded = "splits K though a tile does not fill one wgmma";
  return tiling;
}

inline std::vector<Tiling> enumerate_tilings(int n, int k, int element_bytes, int multiprocessors) {
  std::vector<Tiling> all;
  const int k_blocks = blocks_of_k(k, element_bytes);
  for (int cluster = 1; cluster <= 4; cluster++) {
    for (int waves = 1; waves <= 8; waves++) {
      const int tiles = clusters_at_once(cluster, multiprocessors) * waves;
      const int rows = std::max(16, ceil_div(ceil_div(n, tiles), 8) * 8);
      all.push_back(judge_tiling(n, k_blocks, rows, cluster, multiprocessors));
    }
  }
  return all;
}

// The cheapest tiling that is not discarded, the first of equals. There is always one: with enough waves a tile is small.
inline Tiling choose_tiling(int n, int k, int element_bytes, int multiprocessors) {
  Tiling best{16, 1, 1e300, "none"};
  for (const Tiling& tiling : enumerate_tilings(n, k, element_bytes, multiprocessors)) {
    if (tiling.discarded.empty() && tiling.cost < best.cost) best = tiling;
  }
  return best;
}

// How one GEMM on tiled weights is launched; unlike the tiling this may depend on M.
struct Launch {
  int n;  // columns of the instruction: 8, 32, 64, 128
  int cluster, pass_rows, stages, shared_bytes, grid, threads;
  int flags = 0;  // how: kLateLaunch, kPush, kXAtOnce

  std::string text(int tile_rows) const {
    return "h" + std::to_string(tile_rows) + " c" + std::to_string(cluster) + " n" + std::to_string(n) + " p" +
           std::to_string(pass_rows) + " s" + std::to_string(stages) + " " + std::to_string(threads) + "x" + std::to_string(grid) +
           " " + std::to_string((shared_bytes + 1023) / 1024) + "K" + (flags & kLateLaunch ? " late" : "") +
           (flags & kPush ? " push" : "") + (flags & kXAtOnce ? " once" : "");
  }
};

// Shared memory of a launch with a ring of `stages` slots.
inline int shared_bytes(const Launch& launch, int m, int stages, int block_scales_blocks) {
  return static_cast<int>(SharedLayout::of(m, launch.n, launch.pass_rows, stages, block_scales_blocks, launch.cluster).bytes);
}

// As many stages as `budget` bytes of shared memory allow; 0 stages when even two are too many.
inline Launch plan_within(const Tiling& tiling, int m, int n_total, int k, int element_bytes, bool block_scales, int budget) {
  Launch launch;
  launch.n = m <= 8 ? 8 : m <= 32 ? 32 : m <= 64 ? 64 : 128;
  launch.cluster = tiling.cluster;
  launch.flags = (launch.cluster > 1 && launch.n <= (element_bytes == 2 ? 8 : 32) ? kPush : 0) | (m <= 16 && !block_scales ? kXAtOnce : 0);
  const int group_rows = pieces_of(launch.n) * kPieceRows, most_rows = group_rows * groups_of(launch.n);
  const int passes = ceil_div(tiling.tile_rows, most_rows);
  launch.pass_rows = ceil_div(ceil_div(tiling.tile_rows, passes), 8) * 8;
  launch.threads = (ceil_div(launch.pass_rows, group_rows) + 1) * kGroupThreads;
  launch.grid = ceil_div(n_total, tiling.tile_rows) * ceil_div(tiling.tile_rows, launch.pass_rows) * tiling.cluster;
  const int blocks = ceil_div(blocks_of_k(k, element_bytes), tiling.cluster), scale_blocks = block_scales ? blocks : 0;
  launch.stages = std::min(kMaxStages, std::max(2, blocks));
  while (launch.stages >= 2 && shared_bytes(launch, m, launch.stages, scale_blocks) > budget) launch.stages--;
  if (launch.stages < 2) launch.stages = 0;
  launch.shared_bytes = launch.stages == 0 ? 0 : shared_bytes(launch, m, launch.stages, scale_blocks);
  return launch;
}

// All of a multiprocessor's shared memory, but half where a block's weights are no more than one multiprocessor holds: in a chain of
// dependent launches the next GEMM fills its ring while this one runs. 4096 x 4096 in tiles of 112 rows, M = 16: 9.6 against 11.4 us; 8192 x 8192, four times
// as many weights a block: half costs 2 us. Without a cluster the dependents start late (6144 x 4096, M = 1: 9.6 against 11.2 us). From M = 65 on the
// multiplication takes the time and the whole ring is better.
inline Launch choose_launch(const Tiling& tiling, int m, int n_total, int k, int element_bytes, bool block_scales) {
  Launch half = plan_within(tiling, m, n_total, k, element_bytes, block_scales, kHalfSharedBytes);
  const int blocks = ceil_div(blocks_of_k(k, element_bytes), tiling.cluster);
  if (half.stages > 0 && m <= 64 && static_cast<long long>(tiling.tile_rows) * blocks * kBlockBytes <= kSharedBytes) {
    if (tiling.cluster == 1 && m <= 32) half.flags |= kLateLaunch;
    return half;
  }
  return plan_within(tiling, m, n_total, k, element_bytes, block_scales, kSharedBytes);
}

}  // namespace gemm_decode
