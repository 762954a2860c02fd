package org.sparkao.quant.dense;

/**
 * The inner loop of all products here: c[r, s] += a[i, r] * b[i, s], one fused multiply-add after
 * the other for i = 0, 1, ..., over a tile of {@link #ROWS} x {@link #COLUMNS}. All implementations
 * give the same bits. An instance has no state.
 */
public interface TileKernel {
  /** Rows of a tile. */
  int ROWS = 4;

  /** Columns of a tile. */
  int COLUMNS = 16;

  /** The one that this JVM runs best. */
  TileKernel BEST = TileKernelChoice.choose();

  /**
   * A matrix in an array.
   *
   * @param values of the matrix, among others; the caller's
   * @param first index of element [0, 0]
   * @param next from one i to the next in a or b, from one row to the next in c
   * @param row from one row of the tile to the next, in a; 1 elsewhere
   */
  record Place(float[] values, int first, int next, int row) {
    /** A matrix whose columns are contiguous. */
    public static Place of(float[] values, int first, int next) {
      return new Place(values, first, next, 1);
    }
  }

  /** Adds the products of {@code count} values of i. */
  void add(Place a, Place b, int count, Place c);

  /** Whether {@link WideTile} gives the same in less time. */
  default boolean isWide() {
    return false;
  }

  /** {@code vector-256} or {@code plain}. */
  String name();
}
