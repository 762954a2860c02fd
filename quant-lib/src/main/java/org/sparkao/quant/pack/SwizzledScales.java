package org.sparkao.quant.pack;

/**
 * The order of one-byte scales that block-scaled matrix multiplications on tensor cores read: rows
 * are padded to 128 and columns to 4 with zero bytes, and each tile of 128x4 lies as 32x16: row r,
 * column c of a tile is byte (r mod 32) * 16 + (r / 32) * 4 + c.
 *
 * <p>Source: cuBLAS documentation, "1D Block Scaling Factors Layout"; torchao {@code
 * prototype/mx_formats/utils.py}, {@code to_blocked}.
 */
public final class SwizzledScales {
  private static final int TILE_ROWS = 128;
  private static final int TILE_COLUMNS = 4;
  private static final int TILE = TILE_ROWS * TILE_COLUMNS;

  private SwizzledScales() {}

  /** Bytes of [rows, columns] scales, padding included. */
  public static int bytes(int rows, int columns) {
    return Math.multiplyExact(tiles(rows, TILE_ROWS) * tiles(columns, TILE_COLUMNS), TILE);
  }

  /** Where the scale of {@code row} and {@code column} goes, {@code columns} scales being a row. */
  public static int offset(int row, int column, int columns) {
    int tile = row / TILE_ROWS * tiles(columns, TILE_COLUMNS) + column / TILE_COLUMNS;
    int inTile = row % TILE_ROWS;
    return tile * TILE + inTile % 32 * 16 + inTile / 32 * TILE_COLUMNS + column % TILE_COLUMNS;
  }

  /** Row-major scales [rows, columns] in swizzled order. */
  public static byte[] swizzle(byte[] scales, int rows, int columns) {
    if (scales.length != rows * columns) {
      throw new IllegalArgumentException(
          scales.length + " scales for [" + rows + ", " + columns + "]");
    }
    byte[] swizzled = new byte[bytes(rows, columns)];
    for (int i = 0; i < scales.length; i++) {
      swizzled[offset(i / columns, i % columns, columns)] = scales[i];
    }
    return swizzled;
  }

  private static int tiles(int count, int tile) {
    return (count + tile - 1) / tile;
  }
}
