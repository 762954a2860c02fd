// Which width of tiles the launcher takes, in rows of X: host code. All give the same bits, so that M may decide.
#pragma once

namespace gemm_sparse {

constexpr int kWidths[] = {192, 176, 160, 128};

// What a wave of tiles costs beside its width, in rows of X: rows of W are read as often for narrow tiles as for wide ones. Measured on an
// H200 at 4096x8192x8192: 120 on a cool card, 30 after some seconds.
constexpr int kCostOfWave = 48;

inline int waves(int m, int n, int width, int multiprocessors) {
  const int clusters = multiprocessors / 2, tiles = (n + 511) / 512 * ((m + width - 1) / width);
  return (tiles + clusters - 1) / clusters;
}

inline int width_for(int m, int n, int multiprocessors) {
  int best = kWidths[0];
  for (const int width : kWidths) {
    if (waves(m, n, width, multiprocessors) * (width + kCostOfWave) < waves(m, n, best, multiprocessors) * (best + kCostOfWave)) best = width;
  }
  return best;
}

}  // namespace gemm_sparse
