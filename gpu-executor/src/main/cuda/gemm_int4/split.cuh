// Into how many shares the launcher splits K: host code, a function of N and K alone, so that a row has the same bits whatever M.
#pragma once

namespace gemm_int4 {

// Clusters of `split` blocks that an H100 runs at once, two blocks a multiprocessor (rows <= 32; with more rows half as many), as
// cudaOccupancyMaxActiveClusters says. Largest split first.
struct SplitClusters {
  int split, clusters;
};
constexpr SplitClusters kSplitClusters[] = {{8, 30}, {5, 47}, {4, 62}, {3, 79}, {2, 132}};

constexpr int kLeastShare = 4;            // weight blocks of 128 x 128 a thread block, so that its start is worth it
constexpr int kLongShare = 64;            // more than that: rounds of short shares beat one round of long ones
constexpr int kFewTiles = 132 * 2 / 3;    // fewer clusters of two leave too much idle: two rounds of four beat them

// One round of clusters, and in it the most blocks busy: the largest split whose clusters all run at once. Two exceptions, each
// measured at one shape: 8192 x 28672 takes 8 for 3, and 10240 x 8192 takes 4 for 2.
inline int split_for(int n, int k) {
  const int tiles = (n + 127) / 128, blocks = (k + 127) / 128;
  int split = 1;
  for (const SplitClusters& s : kSplitClusters) {
    if (tiles > s.clusters || blocks / s.split < kLeastShare) continue;
    split = s.split;
    break;
  }
  if (split > 1 && blocks / split > kLongShare) return 8;
  const bool two_rounds = split == 2 && tiles > 79 && tiles < kFewTiles && blocks / 4 >= kLeastShare;
  return two_rounds ? 4 : split;
}

}  // namespace gemm_int4
