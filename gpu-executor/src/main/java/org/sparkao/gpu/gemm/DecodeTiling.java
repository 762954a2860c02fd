package org.sparkao.gpu.gemm;

import static org.sparkao.gpu.gemm.DecodeLayout.ceilDiv;

import java.util.ArrayList;
import java.util.List;

/**
 * {@code gemm_decode/plan.cuh}, line for line: how a weight is cut. A function of N, K and the
 * device alone, because the parts of K decide the order of summation.
 *
 * @param parts parts of K that are summed apart: 1, 2 or 4
 * @param tileRows rows of a tile, a multiple of 32
 * @param busiestRows rows of weights that the multiprocessor with the most of them reads
 * @param discarded why not, or empty
 */
record DecodeTiling(int parts, int tileRows, int busiestRows, String discarded) {

  private static int chooseParts(int n, int kBlocks, int multiprocessors) {
    int tiles = ceilDiv(n, DecodeLayout.PIECE_ROWS);
    int enough = multiprocessors * 3 / 4 - 3;
    if (tiles >= enough || kBlocks < 16) {
      return 1;
    }
    if (kBlocks < 32) {
      return 2;
    }
    int share = DecodeLayout.PIECE_ROWS * (kBlocks / 2) * DecodeLayout.BLOCK_BYTES;
    return tiles * 2 < enough || share <= DecodeLaunch.SHARED_BYTES ? 4 : 2;
  }

  static List<DecodeTiling> enumerate(int n, int k, int elementBytes, int multiprocessors) {
    List<DecodeTiling> all = new ArrayList<>();
    int parts = chooseParts(n, DecodeLayout.blocksOfK(k, elementBytes), multiprocessors);
    int atOnce = Math.max(1, multiprocessors * (parts == 4 ? 2 : 1) / parts);
    for (int waves = 1; waves <= 8; waves++) {
      int rows = ceilDiv(ceilDiv(n, atOnce * waves), 32) * 32;
      int busiestRows = ceilDiv(ceilDiv(n, rows), atOnce) * rows;
      boolean tooMany = rows > DecodeLayout.mostRows(64, 1);
      String discarded = tooMany ? "more rows than four warpgroups hold" : "";
      all.add(new DecodeTiling(parts, rows, busiestRows, discarded));
    }
    return all;
  }

  /** The one with the fewest rows on the busiest multiprocessor; of equals the tallest. */
  static DecodeTiling choose(int n, int k, int elementBytes, int multiprocessors) {
    DecodeTiling best = new DecodeTiling(0, 0, 0, "none");
    for (DecodeTiling tiling : enumerate(n, k, elementBytes, multiprocessors)) {
      if (tiling.discarded.isEmpty()
          && (best.parts == 0 || tiling.busiestRows < best.busiestRows)) {
        best = tiling;
      }
    }
    return best.parts > 0 ? best : new DecodeTiling(1, DecodeLayout.mostRows(64, 1), 0, "");
  }

  /** Rows and parts, and why or why not. */
  @Override
  public String toString() {
    return "h"
        + tileRows
        + " in "
        + parts
        + " parts of K: "
        + (discarded.isEmpty() ? busiestRows + " rows on the busiest" : discarded);
  }
}
