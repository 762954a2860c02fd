package org.sparkao.gpu.model.cpu;

/**
 * A matrix W [N, K] as the inner loop reads it: panels of {@link #COLUMNS} rows of W, each [K,
 * COLUMNS], COLUMNS contiguous; the last one is filled with zeros.
 */
public final class Panels {
  /** Output elements of a panel: two vectors. */
  public static final int COLUMNS = 2 * Lanes.WIDTH;

  private final int n;
  private final int k;
  private final float[][] panels;

  private Panels(int n, int k, float[][] panels) {
    this.n = n;
    this.k = k;
    this.panels = panels;
  }

  /** All zeros; {@link #put} fills it. */
  public static Panels zeros(int n, int k) {
    int count = (n + COLUMNS - 1) / COLUMNS;
    return new Panels(n, k, new float[count][Math.multiplyExact(k, COLUMNS)]);
  }

  /** Rows of W, those that only fill a panel left out. */
  public int n() {
    return n;
  }

  /** Elements of a row of W. */
  public int k() {
    return k;
  }

  /** Panels. */
  public int count() {
    return panels.length;
  }

  /** [K, COLUMNS]. */
  public float[] panel(int index) {
    return panels[index];
  }

  /** Rows of W in a panel. */
  public int columns(int index) {
    return Math.min(COLUMNS, n - index * COLUMNS);
  }

  /** Takes row {@code row} of W: K numbers of {@code from}. */
  public void put(int row, float[] from, int offset) {
    float[] panel = panels[row / COLUMNS];
    int column = row % COLUMNS;
    for (int i = 0; i < k; i++) {
      panel[i * COLUMNS + column] = from[offset + i];
    }
  }

  /** Takes column {@code column} of W: N numbers of {@code from}. */
  public void putColumn(int column, float[] from, int offset) {
    for (int i = 0; i < panels.length; i++) {
      System.arraycopy(from, offset + i * COLUMNS, panels[i], column * COLUMNS, columns(i));
    }
  }
}
