package org.sparkao.quant.calibrated;

/**
 * How large the weights of a column are among those of their group: the mean over rows of abs(w) /
 * (largest abs(w) of the group + 1e-6), over all layers that read the same input. Sums in fp64, in
 * the order in which rows are added.
 */
public final class WeightMeans {
  private static final float FLOOR = 1e-6f;

  private final int columns;
  private final double[] sums;
  private long rows;

  /** No rows yet, of {@code columns} weights. */
  public WeightMeans(int columns) {
    this.columns = columns;
    this.sums = new double[columns];
  }

  /**
   * Adds rows.
   *
   * @param weights [rows, K], K contiguous
   * @param groupColumns columns that share a scale
   */
  public void add(float[] weights, int count, int groupColumns) {
    for (int row = 0; row < count; row++) {
      for (int first = 0; first < columns; first += groupColumns) {
        addGroup(weights, row * columns, first, Math.min(columns, first + groupColumns));
      }
    }
    rows += count;
  }

  private void addGroup(float[] weights, int row, int begin, int end) {
    float largest = 0;
    for (int j = begin; j < end; j++) {
      largest = Math.max(largest, Math.abs(weights[row + j]));
    }
    for (int j = begin; j < end; j++) {
      sums[j] += Math.abs(weights[row + j]) / (largest + FLOOR);
    }
  }

  /** [K]. */
  public double[] means() {
    double[] means = new double[columns];
    for (int j = 0; j < columns; j++) {
      means[j] = sums[j] / Math.max(1, rows);
    }
    return means;
  }
}
