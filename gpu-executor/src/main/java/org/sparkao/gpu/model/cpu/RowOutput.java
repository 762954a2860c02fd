package org.sparkao.gpu.model.cpu;

import java.nio.FloatBuffer;
import org.sparkao.gpu.model.ProjectionSpec.After;

/** What becomes of sums: they are written to y [rows, N], or added, or paired as SwiGLU. */
final class RowOutput implements Product.Finish {
  private static final int C = Panels.COLUMNS;
  private static final int HALF = Lanes.WIDTH;

  private final FloatBuffer y;
  private final int n;
  private final After after;

  /**
   * Output of a projection.
   *
   * @param n elements of a row of y
   */
  RowOutput(FloatBuffer y, int n, After after) {
    this.y = y;
    this.n = n;
    this.after = after;
  }

  @Override
  public void accept(int panel, int firstRow, int rows, float[] sums) {
    if (after == After.SWIGLU) {
      pair(panel, firstRow, rows, sums);
      return;
    }
    int first = panel * C;
    int columns = Math.min(C, n - first);
    float[] old = new float[C];
    for (int row = 0; row < rows; row++) {
      int at = Math.addExact(Math.multiplyExact(firstRow + row, n), first);
      int from = row * C;
      if (after == After.RESIDUAL) {
        y.get(at, old, 0, columns);
        for (int i = 0; i < C; i++) {
          sums[from + i] += old[i];
        }
      }
      y.put(at, sums, from, columns);
    }
  }

  /** Panels hold as many rows of gate and of up. */
  private void pair(int panel, int firstRow, int rows, float[] sums) {
    float[] powers = new float[rows * HALF];
    for (int row = 0; row < rows; row++) {
      System.arraycopy(sums, row * C, powers, row * HALF, HALF);
    }
    Exponential.apply(powers, 0, powers.length, 0, -1);
    int first = panel * HALF;
    int columns = Math.min(HALF, n - first);
    for (int row = 0; row < rows; row++) {
      int from = row * HALF;
      int gate = row * C;
      for (int i = 0; i < HALF; i++) {
        powers[from + i] = sums[gate + i] / (1 + powers[from + i]) * sums[gate + HALF + i];
      }
      y.put(Math.addExact(Math.multiplyExact(firstRow + row, n), first), powers, from, columns);
    }
  }
}
