package org.sparkao.gpu.gemm;

import static org.sparkao.gpu.gemm.DecodeLayout.ceilDiv;

import java.util.ArrayList;
import java.util.List;

/**
 * {@code gemm_decode/plan.cuh}, line for line: how a weight is cut. A function of N, K and the
 * device alone, because the split of K decides the order of summation.
 *
 * @param split thread blocks of a cluster that split K: 1, 2 or 4
 * @param tileRows rows of a tile, a multiple of 32
 * @param busiestRows rows of weights that the multiprocessor with the most of them reads
 * @param discarded why not, or empty
 */
record DecodeTiling(int split, int tileRows, int busiestRows, String discarded) {

  private static int chooseSplit(int n, int kBlocks, int multiprocessors) {
    int split = 1;
    while (split < 4
        && ceilDiv(n, DecodeLayout.PIECE_ROWS) * split < multiprocessors * 7 / 10
        && kBlocks >= split * 16) {
      split *= 2;
    }
    return split;
  }

  static List<DecodeTiling> enumerate(int n, int k, int elementBytes, int multiprocessors) {
    List<DecodeTiling> all = new ArrayList<>();
    int split = chooseSplit(n, DecodeLayout.blocksOfK(k, elementBytes), multiprocessors);
    int atOnce = Math.max(1, multiprocessors / split);
    for (int waves = 1; waves <= 8; waves++) {
      int rows = ceilDiv(ceilDiv(n, atOnce * waves), 32) * 32;
      int busiestRows = ceilDiv(ceilDiv(n, rows), atOnce) * rows;
      boolean tooMany = rows > DecodeLayout.mostRows(64);
      String discarded = tooMany ? "more rows than four warpgroups hold" : "";
      all.add(new DecodeTiling(split, rows, busiestRows, discarded));
    }
    return all;
  }

  /** The one with the fewest rows on the busiest multiprocessor; of equals the tallest. */
  static DecodeTiling choose(int n, int k, int elementBytes, int multiprocessors) {
    DecodeTiling best = new DecodeTiling(0, 0, 0, "none");
    for (DecodeTiling tiling : enumerate(n, k, elementBytes, multiprocessors)) {
      if (tiling.discarded.isEmpty()
          && (best.split == 0 || tiling.busiestRows < best.busiestRows)) {
        best = tiling;
      }
    }
    return best.split > 0 ? best : new DecodeTiling(1, DecodeLayout.mostRows(64), 0, "");
  }

  /** Rows and split, and why or why not. */
  @Override
  public String toString() {
    return "h"
        + tileRows
        + " c"
        + split
        + ": "
        + (discarded.isEmpty() ? busiestRows + " rows on the busiest multiprocessor" : discarded);
  }
}
