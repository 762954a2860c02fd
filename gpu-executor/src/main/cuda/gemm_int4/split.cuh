// Into how many shares the launcher splits K: host code, a function of N and K alone, so that a row has the same bits whatever M. And how
// many blocks shall share a multiprocessor, on which no bit depends.
#pragma once

namespace gemm_int4 {

struct Split {
  int split;    // blocks of a cluster that split K
  int blocks;   // of up to 16 rows, on a multiprocessor
};

// Clusters of `split` blocks of 64 outputs that run at once on an H100 or H200, four or five blocks a multiprocessor, as
// cudaOccupancyMaxActiveClusters says.
struct SplitClusters {
  int split, of_four, of_five;
};
constexpr SplitClusters kSplitClusters[] = {{1, 528, 660}, {2, 264, 330}, {3, 163, 203}, {4, 124, 154}, {5, 94, 124}, {8, 62, 77}};

constexpr int kMultiprocessors = 132;
constexpr int kLeastShare = 4;   // weight blocks of 128 columns a thread block, so that its start is worth it
constexpr int kLongShare = 32;   // more than that: several rounds of short shares beat one round of long ones

// The most blocks on a multiprocessor of the variant for `rows` rows of X: what registers allow.
constexpr int most_blocks(int rows) { return rows <= 8 ? 6 : rows <= 16 ? 5 : rows <= 32 ? 2 : 1; }

// Dynamic shared memory of a block of which `blocks` find a place: a multiprocessor has 228 KB, of which each block takes 1 KB more.
constexpr int shared_bytes(int blocks) { return (228 / blocks - 1) * 1024; }

// One round of clusters that fills the places best: of equals the smaller split. Two exceptions: K is cut in two where single blocks would
// not quite fill a round, and in eight where shares would be long.
inline Split split_of(int n, int k) {
  const int tiles = (n + 63) / 64, blocks = (k + 127) / 128;
  Split best{1, 4};
  double filled = 0;
  for (const SplitClusters& s : kSplitClusters) {
    if (s.split > 1 && blocks / s.split < kLeastShare) continue;
    for (int each : {4, 5}) {
      const double part = static_cast<double>(tiles * s.split) / (each * kMultiprocessors);
      if (tiles > (each == 4 ? s.of_four : s.of_five) || part <= filled) continue;
      best = {s.split, each};
      filled = part;
    }
  }
  if (best.split == 1 && tiles > kSplitClusters[1].of_five && tiles < kSplitClusters[0].of_four && blocks / 2 >= kLeastShare) return {2, 5};
  return best.split > 1 && blocks / best.split > kLongShare ? Split{8, 6} : best;
}

}  // namespace gemm_int4
