package org.sparkao.gpu.model.cpu;

import java.nio.FloatBuffer;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import org.sparkao.gpu.model.ProjectionSpec.After;

/** What becomes of sums: they are written to y [rows, N], or added, or paired as SwiGLU. */
final class RowOutput implements Product.Finish {
  private static final int C = Panels.COLUMNS;
  private static final int HALF = Lanes.WIDTH;
  private static final VectorSpecies<Float> V = Lanes.EIGHT;
  private static final Class<?> TYPE = V.vectorType();

  private final FloatBuffer y;
  private final Columns columns;
  private final After after;

  /**
   * Where results are in a row of y.
   *
   * @param stride elements of a row of y
   * @param first of them
   * @param count of them
   */
  record Columns(int stride, int first, int count) {
    static Columns all(int count) {
      return new Columns(count, 0, count);
    }

    int at(int row, int column) {
      return Math.addExact(Math.multiplyExact(row, stride), first + column);
    }
  }

  /** Output of a projection. */
  RowOutput(FloatBuffer y, Columns columns, After after) {
    this.y = y;
    this.columns = columns;
    this.after = after;
  }

  @Override
  public void accept(int panel, int firstRow, int rows, float[] sums) {
    if (after == After.SWIGLU) {
      pair(panel, firstRow, rows, sums);
      return;
    }
    int first = panel * C;
    int count = Math.min(C, columns.count() - first);
    float[] old = new float[C];
    for (int row = 0; row < rows; row++) {
      int at = columns.at(firstRow + row, first);
      int from = row * C;
      if (after == After.RESIDUAL) {
        y.get(at, old, 0, count);
        for (int i = 0; i < C; i++) {
          sums[from + i] += old[i];
        }
      }
      y.put(at, sums, from, count);
    }
  }

  /** Panels hold as many rows of gate and of up. */
  private void pair(int panel, int firstRow, int rows, float[] sums) {
    float[] results = new float[rows * HALF];
    for (int row = 0; row < rows; row++) {
      System.arraycopy(sums, row * C, results, row * HALF, HALF);
    }
    Exponential.apply(results, 0, results.length, 0, -1);
    int first = panel * HALF;
    int count = Math.min(HALF, columns.count() - first);
    for (int row = 0; row < rows; row++) {
      int from = row * HALF;
      FloatVector gate = FloatVector.fromArray(V, sums, row * C);
      FloatVector up = FloatVector.fromArray(V, sums, row * C + HALF);
      FloatVector result = gate.div(FloatVector.fromArray(V, results, from).add(1)).mul(up);
      ((FloatVector) TYPE.cast(result)).intoArray(results, from);
      y.put(columns.at(firstRow + row, first), results, from, count);
    }
  }
}
