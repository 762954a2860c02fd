package org.sparkao.gpu.train.cpu;

/** Rows to columns. */
final class Transposition {
  /** A line of the cache. */
  private static final int BLOCK = 16;

  private Transposition() {}

  /**
   * to[c, r] = from[r, c].
   *
   * @param at element [0, 0] of {@code from}
   * @param stride from a row of {@code from} to the next
   * @param to [columns, rows]
   */
  static void run(float[] from, int at, int stride, int rows, int columns, float[] to) {
    for (int firstRow = 0; firstRow < rows; firstRow += BLOCK) {
      int lastRow = Math.min(rows, firstRow + BLOCK);
      for (int firstColumn = 0; firstColumn < columns; firstColumn += BLOCK) {
        int lastColumn = Math.min(columns, firstColumn + BLOCK);
        for (int column = firstColumn; column < lastColumn; column++) {
          int source = at + firstRow * stride + column;
          int target = column * rows;
          for (int row = firstRow; row < lastRow; row++) {
            to[target + row] = from[source];
            source += stride;
          }
        }
      }
    }
  }
}
