package org.sparkao.gpu.gemm;

import java.util.List;

/**
 * {@code gemm_int4/split.cuh}, line for line: into how many shares K is split, by N and K alone, so
 * that a row has the same bits whatever M.
 *
 * @param split shares, each a block of a cluster
 * @param reason why
 */
record Int4Split(int split, String reason) {
  /** Clusters of {@code split} blocks that an H100 runs at once, two blocks a multiprocessor. */
  private record Clusters(int split, int clusters) {}

  private static final List<Clusters> SPLIT_CLUSTERS =
      List.of(
          new Clusters(8, 30),
          new Clusters(5, 47),
          new Clusters(4, 62),
          new Clusters(3, 79),
          new Clusters(2, 132));

  private static final int LEAST_SHARE = 4;
  private static final int LONG_SHARE = 64;
  private static final int FEW_TILES = 132 * 2 / 3;

  static Int4Split of(int n, int k) {
    int tiles = (n + 127) / 128;
    int blocks = (k + 127) / 128;
    int split = 1;
    for (Clusters s : SPLIT_CLUSTERS) {
      if (tiles > s.clusters || blocks / s.split < LEAST_SHARE) {
        continue;
      }
      split = s.split;
      break;
    }
    if (split > 1 && blocks / split > LONG_SHARE) {
      return new Int4Split(8, "shares of " + blocks / split + " blocks are long");
    }
    boolean twoRounds = split == 2 && tiles > 79 && tiles < FEW_TILES && blocks / 4 >= LEAST_SHARE;
    return twoRounds
        ? new Int4Split(4, "two rounds of four beat one of two at " + tiles + " tiles")
        : new Int4Split(split, tiles + " tiles run at once, " + blocks + " blocks of K");
  }

  @Override
  public String toString() {
    return "s" + split + ": " + reason;
  }
}
