package org.sparkao.gpu.gemm;

/**
 * {@code gemm_sparse/width.cuh}, line for line: which width tiles of 2:4 products have. All give
 * the same bits, so that M may decide.
 *
 * @param rows of X in a tile
 * @param tiles of two multiprocessors each
 * @param waves how often all multiprocessors have a tile
 */
record SparseWidth(int rows, int tiles, int waves) {
  private static final int[] WIDTHS = {192, 176, 160, 128};
  private static final int COST_OF_WAVE = 48;
  private static final int TILE_ROWS_OF_W = 512;

  /** The cheapest. */
  static SparseWidth of(int m, int n, int multiprocessors) {
    SparseWidth best = width(WIDTHS[0], m, n, multiprocessors);
    for (int rows : WIDTHS) {
      SparseWidth other = width(rows, m, n, multiprocessors);
      best = other.cost() < best.cost() ? other : best;
    }
    return best;
  }

  private static SparseWidth width(int rows, int m, int n, int multiprocessors) {
    int tiles = PrefillTiles.ceilDiv(n, TILE_ROWS_OF_W) * PrefillTiles.ceilDiv(m, rows);
    return new SparseWidth(rows, tiles, PrefillTiles.ceilDiv(tiles, multiprocessors / 2));
  }

  private int cost() {
    return waves * (rows + COST_OF_WAVE);
  }

  /** Why. */
  @Override
  public String toString() {
    return "n" + rows + ": " + tiles + " tiles in " + waves + " waves";
  }
}
