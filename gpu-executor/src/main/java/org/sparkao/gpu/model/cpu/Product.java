package org.sparkao.gpu.model.cpu;

import java.util.Arrays;

/** y = x W^T in fp32, shared among cores. Works for one caller at a time. */
final class Product {
  /** Elements of x that stay in the second-level cache. */
  private static final int CACHED = 1 << 17;

  private static final int FEWEST_ROWS = 6 * Tile.ROWS;
  private static final int MOST_ROWS = 60 * Tile.ROWS;

  /**
   * Of K at a time, so that a part of a panel stays in the first-level cache, and products of int8
   * codes stay below 2^24.
   */
  private static final int DEPTH = 512;

  /** Multiply-adds that are worth a piece. */
  private static final int PIECE = 1 << 18;

  private final Cores cores;
  private final Tile[] tiles;
  private final WideProduct wide;

  Product(Cores cores) {
    this.cores = cores;
    this.wide = new WideProduct(cores);
    this.tiles = new Tile[cores.count()];
    for (int i = 0; i < tiles.length; i++) {
      tiles[i] = new Tile();
      tiles[i].sums = new float[MOST_ROWS * Panels.COLUMNS];
      tiles[i].sumsStride = Panels.COLUMNS;
    }
  }

  Cores cores() {
    return cores;
  }

  /** How sums are made. */
  enum Sums {
    /** One chain of fused multiply-adds. */
    FP32,
    /** Of whole numbers of at most eight bits: exact in fp32 for a part of K, then in int32. */
    INT32
  }

  /** Takes the sums of some rows and one panel. */
  interface Finish {
    /**
     * Takes sums, and may change them.
     *
     * @param firstRow of x
     * @param sums [rows, COLUMNS]
     */
    void accept(int panel, int firstRow, int rows, float[] sums);
  }

  /** Rows that x must have memory for. */
  static int rowsInMemory(int rows) {
    return Lanes.roundUp(rows, Tile.ROWS);
  }

  /**
   * Multiplies.
   *
   * @param x [{@link #rowsInMemory}, K], of which {@code rows} count
   */
  void run(Panels w, float[] x, int rows, Sums sums, Finish finish) {
    if (sums == Sums.FP32 && WideProduct.suits(rows, w.k())) {
      wide.run(w, x, rows, finish);
      return;
    }
    int chunk = chunkRows(w.k());
    int chunks = (rows + chunk - 1) / chunk;
    long work = (long) Math.min(rows, chunk) * w.k() * Panels.COLUMNS;
    int group = (int) Math.max(1, PIECE / work);
    int groups = (w.count() + group - 1) / group;
    cores.run(
        chunks * groups,
        (worker, piece) -> {
          int firstRow = piece / groups * chunk;
          int firstPanel = piece % groups * group;
          int lastPanel = Math.min(w.count(), firstPanel + group);
          Tile tile = tiles[worker];
          tile.x = x;
          tile.stride = w.k();
          for (int panel = firstPanel; panel < lastPanel; panel++) {
            tile.panel = w.panel(panel);
            int count = Math.min(chunk, rows - firstRow);
            if (sums == Sums.FP32) {
              multiply(tile, firstRow, count, 0, w.k());
            } else {
              multiplyExactly(tile, firstRow, count, w.k());
            }
            finish.accept(panel, firstRow, count, tile.sums);
          }
        });
  }

  private static int chunkRows(int k) {
    int cached = CACHED / k / Tile.ROWS * Tile.ROWS;
    return Math.max(FEWEST_ROWS, Math.min(MOST_ROWS, cached));
  }

  private static void multiply(Tile tile, int firstRow, int rows, int from, int to) {
    Arrays.fill(tile.sums, 0, rowsInMemory(rows) * Panels.COLUMNS, 0);
    for (int begin = from; begin < to; begin += DEPTH) {
      tile.begin = begin;
      tile.end = Math.min(to, begin + DEPTH);
      for (int row = 0; row < rows; row += Tile.ROWS) {
        tile.first = (firstRow + row) * tile.stride;
        tile.sumsAt = row * Panels.COLUMNS;
        if (rows - row == 1) {
          tile.one();
        } else {
          tile.several();
        }
      }
    }
  }

  private static void multiplyExactly(Tile tile, int firstRow, int rows, int k) {
    float[] sums = tile.sums;
    int[] totals = new int[rows * Panels.COLUMNS];
    for (int begin = 0; begin < k; begin += DEPTH) {
      multiply(tile, firstRow, rows, begin, Math.min(k, begin + DEPTH));
      for (int i = 0; i < totals.length; i++) {
        totals[i] += (int) sums[i];
      }
    }
    for (int i = 0; i < totals.length; i++) {
      sums[i] = totals[i];
    }
  }
}
