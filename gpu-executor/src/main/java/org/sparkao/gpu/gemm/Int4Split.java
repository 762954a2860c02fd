package org.sparkao.gpu.gemm;

import java.util.List;

/**
 * {@code gemm_int4/split.cuh}, line for line: into how many shares K is split, by N and K alone, so
 * that a row has the same bits whatever M.
 *
 * @param split shares, each a block of a cluster
 * @param blocks of up to 16 rows that shall share a multiprocessor; no bit depends on it
 * @param reason why
 */
record Int4Split(int split, int blocks, String reason) {
  /** Clusters of {@code split} blocks that run at once, four or five blocks a multiprocessor. */
  private record Clusters(int split, int ofFour, int ofFive) {}

  private static final List<Clusters> SPLIT_CLUSTERS =
      List.of(
          new Clusters(1, 528, 660),
          new Clusters(2, 264, 330),
          new Clusters(3, 163, 203),
          new Clusters(4, 124, 154),
          new Clusters(5, 94, 124),
          new Clusters(8, 62, 77));

  private static final int MULTIPROCESSORS = 132;
  private static final int LEAST_SHARE = 4;
  private static final int LONG_SHARE = 32;

  static Int4Split of(int n, int k) {
    int tiles = (n + 63) / 64;
    int blocks = (k + 127) / 128;
    Int4Split best = new Int4Split(1, 4, tiles + " tiles, rounds of single blocks");
    double filled = 0;
    for (Clusters s : SPLIT_CLUSTERS) {
      if (s.split > 1 && blocks / s.split < LEAST_SHARE) {
        continue;
      }
      for (int each = 4; each <= 5; each++) {
        double part = (double) (tiles * s.split) / (each * MULTIPROCESSORS);
        if (tiles > (each == 4 ? s.ofFour : s.ofFive) || part <= filled) {
          continue;
        }
        best = new Int4Split(s.split, each, tiles + " tiles, one round, " + each + " blocks each");
        filled = part;
      }
    }
    boolean nearlyFull =
        tiles > SPLIT_CLUSTERS.get(1).ofFive && tiles < SPLIT_CLUSTERS.get(0).ofFour;
    if (best.split == 1 && nearlyFull && blocks / 2 >= LEAST_SHARE) {
      return new Int4Split(2, 5, tiles + " tiles would not fill a round");
    }
    return best.split > 1 && blocks / best.split > LONG_SHARE
        ? new Int4Split(8, 6, "shares of " + blocks / best.split + " blocks are long")
        : best;
  }

  @Override
  public String toString() {
    return "s" + split + ": " + reason;
  }
}
