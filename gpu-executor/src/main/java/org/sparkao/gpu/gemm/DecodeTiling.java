package org.sparkao.gpu.gemm;

import static org.sparkao.gpu.gemm.DecodeLayout.ceilDiv;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * {@code gemm_decode/plan.cuh}, line for line: the tiles of a weight. A function of N, K and the
 * device alone, because it decides the order of summation.
 *
 * @param tileRows rows of a tile
 * @param cluster thread blocks that share K
 * @param cost the fourth power of microseconds, about
 * @param discarded why not, or empty
 */
record DecodeTiling(int tileRows, int cluster, double cost, String discarded) {
  private static final int MAX_TILE_ROWS = 512;
  private static final double BYTES_PER_US = 3.13e6;
  private static final double BLOCK_US = 0.02;
  private static final double WAVE_US = 0.5;
  private static final double CHAIN_US = 3.0;
  private static final double CHAIN_BLOCK_US = 0.1;
  private static final double[] HAND_OVER = {0.5, 1.2, 1.9, 2.6};

  private static int clustersAtOnce(int cluster, int multiprocessors) {
    return cluster <= 2
        ? multiprocessors / cluster
        : cluster == 3 ? multiprocessors * 13 / 44 : multiprocessors * 5 / 22;
  }

  private static DecodeTiling judge(
      int n, int kBlocks, int tileRows, int cluster, int multiprocessors) {
    int tiles = ceilDiv(n, tileRows);
    int waves = ceilDiv(tiles, clustersAtOnce(cluster, multiprocessors));
    int blocks = ceilDiv(kBlocks, cluster);
    double stream =
        (double) tiles
                * tileRows
                * kBlocks
                * DecodeLayout.BLOCK_BYTES
                / (BYTES_PER_US * multiprocessors / 132)
            + HAND_OVER[cluster - 1]
            + BLOCK_US * blocks
            + WAVE_US * (waves - 1);
    if (tileRows
        > DecodeLayout.groupsOf(64) * DecodeLayout.piecesOf(64) * DecodeLayout.PIECE_ROWS) {
      stream *= 1.025;
    }
    double chain = CHAIN_US + HAND_OVER[cluster - 1] + CHAIN_BLOCK_US * blocks * waves;
    double cost = stream * stream * stream * stream + chain * chain * chain * chain;
    return new DecodeTiling(tileRows, cluster, cost, reason(tileRows, cluster, blocks));
  }

  private static String reason(int tileRows, int cluster, int blocks) {
    if (tileRows > MAX_TILE_ROWS) {
      return "more rows than four warpgroups hold";
    } else if (cluster > 1 && blocks < 4) {
      return "fewer than 4 blocks of K a thread block";
    } else if (cluster > 1 && tileRows < DecodeLayout.PIECE_ROWS) {
      return "splits K though a tile does not fill one wgmma";
    }
    return "";
  }

  static List<DecodeTiling> enumerate(int n, int k, int elementBytes, int multiprocessors) {
    List<DecodeTiling> all = new ArrayList<>();
    int kBlocks = DecodeLayout.blocksOfK(k, elementBytes);
    for (int cluster = 1; cluster <= 4; cluster++) {
      for (int waves = 1; waves <= 8; waves++) {
        int tiles = clustersAtOnce(cluster, multiprocessors) * waves;
        int rows = Math.max(16, ceilDiv(ceilDiv(n, tiles), 8) * 8);
        all.add(judge(n, kBlocks, rows, cluster, multiprocessors));
      }
    }
    return all;
  }

  /** The cheapest that is not discarded, the first of equals. */
  static DecodeTiling choose(int n, int k, int elementBytes, int multiprocessors) {
    DecodeTiling best = new DecodeTiling(16, 1, 1e300, "none");
    for (DecodeTiling tiling : enumerate(n, k, elementBytes, multiprocessors)) {
      if (tiling.discarded.isEmpty() && tiling.cost < best.cost) {
        best = tiling;
      }
    }
    return best;
  }

  /** Rows, cluster, and about how many microseconds at one row, or why not. */
  @Override
  public String toString() {
    String tiles = "h" + tileRows + " c" + cluster + ": ";
    return discarded.isEmpty()
        ? tiles + String.format(Locale.ROOT, "about %.1f us", Math.sqrt(Math.sqrt(cost)))
        : tiles + discarded;
  }
}
