package org.sparkao.quant.torchao;

/**
 * A matrix [rows, columns], columns contiguous, cut into blocks that share a scale: [rows, columns]
 * to [rows / blockRows, columns / blockColumns].
 *
 * @param rows rows of the matrix
 * @param columns columns of the matrix
 * @param blockRows rows of a block
 * @param blockColumns columns of a block
 */
public record Blocks(int rows, int columns, int blockRows, int blockColumns) {

  /** Blocks that fill the matrix: torchao has no others. */
  public Blocks {
    if (rows < 1 || columns < 1 || blockRows < 1 || blockColumns < 1) {
      throw new IllegalArgumentException(
          "blocks of " + blockRows + "x" + blockColumns + " in [" + rows + ", " + columns + "]");
    }
    if (rows % blockRows != 0 || columns % blockColumns != 0) {
      throw new IllegalArgumentException(
          "blocks of "
              + blockRows
              + "x"
              + blockColumns
              + " do not fill ["
              + rows
              + ", "
              + columns
              + "]");
    }
  }

  /** One scale for everything: a block that is the matrix. */
  public static Blocks tensor(int rows, int columns) {
    return new Blocks(rows, columns, rows, columns);
  }

  /** One scale a row. */
  public static Blocks rows(int rows, int columns) {
    return new Blocks(rows, columns, 1, columns);
  }

  /** One scale for {@code size} consecutive values of a row. */
  public static Blocks groups(int rows, int columns, int size) {
    return new Blocks(rows, columns, 1, size);
  }

  /** Blocks from top to bottom. */
  public int down() {
    return rows / blockRows;
  }

  /** Blocks from left to right. */
  public int across() {
    return columns / blockColumns;
  }
}
