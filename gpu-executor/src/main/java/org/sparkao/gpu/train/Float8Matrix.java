package org.sparkao.gpu.train;

/**
 * Memory for fp8 codes of a matrix and of its transpose, each with its scales. Of one device; the
 * caller closes it.
 */
public interface Float8Matrix extends AutoCloseable {
  /** Rows and columns of a tile, which is always whole. */
  int TILE = 128;

  /** Bytes of one. */
  static long bytes(int rows, int columns) {
    long codes = (long) up(rows) * up(columns);
    long scales = (long) Float.BYTES * (up(rows) + up(columns));
    return 2 * (codes + scales);
  }

  /** A number of rows or columns, made one of tiles. */
  static int up(int count) {
    return Math.multiplyExact(Math.floorDiv(count + TILE - 1, TILE), TILE);
  }

  @Override
  void close();
}
