// The heuristic: how a weight is cut, and how a GEMM on it is launched. Host code without CUDA calls; the Java class does the same
// arithmetic. Enumerate, discard with a reason, choose.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "layout.cuh"

namespace gemm_decode {

constexpr int kSharedBytes = 232448;      // what one block may have on sm_90
constexpr int kHalfSharedBytes = 115712;  // what each of two blocks on one multiprocessor may have

// What of a device decides. `memory`: rated GB/s, twice the memory's clock times the width of its bus.
struct Card {
  int multiprocessors, memory;

  // H200: 37 GB/s a multiprocessor; H100 SXM 25, H100 PCIe 18. What follows was measured on an H200 where memory is fast, else on an H100.
  bool fast_memory() const { return memory >= 30 * multiprocessors; }

  // Clusters of `split` blocks, a block a multiprocessor, that run at once. On fast memory it is known that of four a few find no place:
  // they do not cross the groups of 16 or 18 multiprocessors of the chip.
  int clusters(int split) const {
    const int all = multiprocessors / split;
    return std::max(1, fast_memory() && split == 4 ? all - multiprocessors / 64 : all);
  }
};

// How a weight is cut: a function of N, K and the device alone, because the split of K decides the order of summation.
struct Tiling {
  int split;                 // thread blocks of a cluster that split K: 1, 2 or 4
  int tile_rows;             // R, a multiple of 32
  int busiest_rows;          // rows of weights that the multiprocessor with the most of them reads
  std::string discarded;     // why not, or empty
  Card card{132, 0};         // the device
};

// K is split over 1, 2 or 4 blocks: over no more than are needed to give nearly three quarters of the multiprocessors a tile of 64 rows, and
// so that each has at least 8 blocks of K. On fast memory a block's start costs more of the time and shorter shares hide it: K is split
// until there are four tiles of 64 rows for three multiprocessors, but where every second multiprocessor has one only into shares of
// 16 blocks of K or more.
inline int choose_split(int n, int k_blocks, const Card& card) {
  const int tiles = ceil_div(n, kPieceRows), enough = card.fast_memory() ? card.multiprocessors * 4 / 3 : card.multiprocessors * 7 / 10;
  int split = 1;
  while (split < 4 && tiles * split < enough) {
    const int least = card.fast_memory() && tiles * split * 2 >= card.multiprocessors ? 16 : 8;
    if (k_blocks < 2 * split * least) break;
    split *= 2;
  }
  return split;
}

// Tiles for one, two, ... waves of thread blocks, one a multiprocessor.
inline std::vector<Tiling> enumerate_tilings(int n, int k, int element_bytes, const Card& card) {
  std::vector<Tiling> all;
  const int split = choose_split(n, blocks_of_k(k, element_bytes), card), at_once = card.clusters(split);
  for (int waves = 1; waves <= 8; waves++) {
    const int rows = ceil_div(ceil_div(n, at_once * waves), 32) * 32;
    Tiling tiling{split, rows, ceil_div(ceil_div(n, rows), at_once) * rows, "", card};
    if (rows > most_rows(64)) tiling.discarded = "more rows than four warpgroups hold";
    all.push_back(tiling);
  }
  return all;
}

// Whether, on fast memory, blocks of 64 rows with short shares of K all find a place, two a multiprocessor.
inline bool low_blocks(const Card& card, int n, int k_blocks, int split) {
  return card.fast_memory() && split > 1 && ceil_div(k_blocks, split) <= 16 && ceil_div(n, kPieceRows) * split <= 2 * card.multiprocessors;
}

// The tiling that is not discarded with the fewest rows on the busiest multiprocessor; of equals the one with the tallest tiles. Eight
// waves of the tallest tiles are enough for 270,000 rows on 132 multiprocessors; beyond, as tall as possible. Blocks of 64 rows are better where
// they find a place: half of them start while the others run. Where they are more than the multiprocessors their tiles have 128 rows, for blocks
// of as many from M = 65 on.
inline Tiling choose_tiling(int n, int k, int element_bytes, const Card& card) {
  Tiling best{0, 0, 0, "none"};
  for (const Tiling& tiling : enumerate_tilings(n, k, element_bytes, card)) {
    if (tiling.discarded.empty() && (best.split == 0 || tiling.busiest_rows < best.busiest_rows)) best = tiling;
  }
  if (best.split == 0) return Tiling{1, most_rows(64), 0, "", card};
  const int tiles = ceil_div(n, kPieceRows);
  if (best.tile_rows > kPieceRows && low_blocks(card, n, blocks_of_k(k, element_bytes), best.split)) {
    best.tile_rows = tiles * best.split > card.multiprocessors ? 2 * kPieceRows : kPieceRows;
    best.busiest_rows = ceil_div(tiles, card.clusters(best.split)) * kPieceRows;
  }
  return best;
}

// What a launch is for.
struct Size {
  int m, n, k, element_bytes;
  bool block_scales;

  int k_blocks() const { return blocks_of_k(k, element_bytes); }
};

// How one GEMM is launched; unlike the tiling this may depend on M.
struct Launch {
  int n;      // columns of the instruction: 16, 32, 64, 128
  int split;  // blocks of a cluster that split K
  int rows, stages, shared_bytes, grid, threads;
  int flags = 0;  // how: kLateLaunch

  std::string text() const {
    return "h" + std::to_string(rows) + " c" + std::to_string(split) + " n" + std::to_string(n) + " s" + std::to_string(stages) + " " +
           std::to_string(threads) + "x" + std::to_string(grid) + " " + std::to_string((shared_bytes + 1023) / 1024) + "K" +
           (flags & kLateLaunch ? " late" : "");
  }
};

// Columns of the instruction: the least that holds M.
inline int columns_for(int m) { return m <= 16 ? 16 : m <= 32 ? 32 : m <= 64 ? 64 : 128; }

// Shared memory of a launch with a ring of `stages` slots.
inline int shared_bytes(const Size& size, const Launch& launch, int stages) {
  const int scale_blocks = size.block_scales ? ceil_div(size.k_blocks(), launch.split) : 0;
  return static_cast<int>(SharedLayout::of(size.m, launch.n, launch.rows, stages, scale_blocks, launch.split).bytes);
}

// As many stages as `budget` bytes of shared memory allow; 0 stages when even two are too many.
inline Launch plan_within(const Size& size, int split, int rows, int budget) {
  Launch launch;
  launch.n = columns_for(size.m);
  launch.split = split;
  launch.rows = rows;
  launch.threads = (ceil_div(rows, kPieceRows) + 1) * kGroupThreads;
  launch.grid = ceil_div(size.n, rows) * split;
  launch.stages = std::min(kMaxStages, std::max(2, ceil_div(size.k_blocks(), split)));
  while (launch.stages >= 2 && shared_bytes(size, launch, launch.stages) > budget) launch.stages--;
  if (launch.stages < 2) launch.stages = 0;
  launch.shared_bytes = launch.stages == 0 ? 0 : shared_bytes(size, launch, launch.stages);
  return launch;
}

// Whether a tile is two low blocks, to M = 64.
inline bool two_low_blocks(const Tiling& tiling, const Size& size) {
  return tiling.tile_rows == 2 * kPieceRows && low_blocks(tiling.card, size.n, size.k_blocks(), tiling.split);
}

// Rows of a block: those of a tile, or half of them where registers hold no more or low blocks are better.
inline int choose_rows(const Tiling& tiling, const Size& size) {
  const bool low = size.m <= 64 && two_low_blocks(tiling, size);
  return low || tiling.tile_rows > most_rows(columns_for(size.m)) ? tiling.tile_rows / 2 : tiling.tile_rows;
}

// What is fastest in a chain of dependent launches (README.md). Blocks with few weights take half of the shared memory, so that the next GEMM
// fills its ring while this one runs; where K is not split that starts late, or it takes the memory's time. From M = 65 on the
// multiplication takes the time and the whole ring is better; a block does then at most 192 rows, and starts its successor late but on fast
// memory; there, too, where blocks of two low ones leave multiprocessors free on which the successor's would start at once.
inline Launch choose_launch(const Tiling& tiling, const Size& size) {
  const int rows = choose_rows(tiling, size);
  const long long weights = static_cast<long long>(rows) * ceil_div(size.k_blocks(), tiling.split) * kBlockBytes;
  const bool half = size.m <= 64 && weights <= kSharedBytes * 5 / 4;
  Launch launch = plan_within(size, tiling.split, rows, half ? kHalfSharedBytes : kSharedBytes);
  if (launch.stages < 2 && half) launch = plan_within(size, tiling.split, rows, kSharedBytes);
  if (tiling.split == 1 && (half || (size.m > 64 && !tiling.card.fast_memory()))) launch.flags |= kLateLaunch;
  if (size.m > 64 && two_low_blocks(tiling, size)) launch.flags |= kLateLaunch;
  return launch;
}

}  // namespace gemm_decode
