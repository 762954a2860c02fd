package org.sparkao.gpu.gemm;

import static org.sparkao.gpu.gemm.DecodeLayout.ceilDiv;

import java.util.ArrayList;
import java.util.List;
import org.sparkao.gpu.device.DeviceInfo;

/**
 * {@code gemm_decode/plan.cuh}, line for line: how a weight is cut. A function of N, K and the
 * device alone, because the split of K decides the order of summation.
 *
 * @param split thread blocks of a cluster that split K: 1, 2 or 4
 * @param tileRows rows of a tile, a multiple of 32
 * @param busiestRows rows of weights that the multiprocessor with the most of them reads
 * @param discarded why not, or empty
 * @param card the device
 */
record DecodeTiling(int split, int tileRows, int busiestRows, String discarded, Card card) {

  /**
   * What of a device decides.
   *
   * @param memory rated GB/s
   */
  record Card(int multiprocessors, int memory) {
    static Card of(DeviceInfo device) {
      return new Card(device.multiprocessors(), device.memoryGbPerSecond());
    }

    /** An H200's, not an H100's. */
    boolean fastMemory() {
      return memory >= 30 * multiprocessors;
    }

    private int clusters(int split) {
      int all = multiprocessors / split;
      return Math.max(1, fastMemory() && split == 4 ? all - multiprocessors / 64 : all);
    }
  }

  private static int chooseSplit(int n, int kBlocks, Card card) {
    int tiles = ceilDiv(n, DecodeLayout.PIECE_ROWS);
    int enough = card.fastMemory() ? card.multiprocessors * 4 / 3 : card.multiprocessors * 7 / 10;
    int split = 1;
    while (split < 4 && tiles * split < enough) {
      int least = card.fastMemory() && tiles * split * 2 >= card.multiprocessors ? 16 : 8;
      if (kBlocks < 2 * split * least) {
        break;
      }
      split *= 2;
    }
    return split;
  }

  static List<DecodeTiling> enumerate(int n, int k, int elementBytes, Card card) {
    List<DecodeTiling> all = new ArrayList<>();
    int split = chooseSplit(n, DecodeLayout.blocksOfK(k, elementBytes), card);
    int atOnce = card.clusters(split);
    for (int waves = 1; waves <= 8; waves++) {
      int rows = ceilDiv(ceilDiv(n, atOnce * waves), 32) * 32;
      int busiestRows = ceilDiv(ceilDiv(n, rows), atOnce) * rows;
      boolean tooMany = rows > DecodeLayout.mostRows(64);
      String discarded = tooMany ? "more rows than four warpgroups hold" : "";
      all.add(new DecodeTiling(split, rows, busiestRows, discarded, card));
    }
    return all;
  }

  /**
   * The one with the fewest rows on the busiest multiprocessor, of equals the tallest; on fast
   * memory low blocks, where they find a place, have tiles of 64 rows or two to a tile.
   */
  static DecodeTiling choose(int n, int k, int elementBytes, Card card) {
    DecodeTiling best = new DecodeTiling(0, 0, 0, "none", card);
    for (DecodeTiling tiling : enumerate(n, k, elementBytes, card)) {
      if (tiling.discarded.isEmpty()
          && (best.split == 0 || tiling.busiestRows < best.busiestRows)) {
        best = tiling;
      }
    }
    if (best.split == 0) {
      return new DecodeTiling(1, DecodeLayout.mostRows(64), 0, "", card);
    }
    if (best.tileRows > DecodeLayout.PIECE_ROWS
        && best.lowBlocks(n, DecodeLayout.blocksOfK(k, elementBytes))) {
      int tiles = ceilDiv(n, DecodeLayout.PIECE_ROWS);
      boolean many = tiles * best.split > card.multiprocessors;
      int busiest = ceilDiv(tiles, card.clusters(best.split)) * DecodeLayout.PIECE_ROWS;
      int tileRows = (many ? 2 : 1) * DecodeLayout.PIECE_ROWS;
      return new DecodeTiling(best.split, tileRows, busiest, "", card);
    }
    return best;
  }

  /** Whether, on fast memory, blocks of 64 rows with short shares of K all find a place. */
  boolean lowBlocks(int n, int kBlocks) {
    return card.fastMemory()
        && split > 1
        && ceilDiv(kBlocks, split) <= 16
        && ceilDiv(n, DecodeLayout.PIECE_ROWS) * split <= 2 * card.multiprocessors;
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
