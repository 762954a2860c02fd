package org.sparkao.gpu.model;

import java.nio.ByteBuffer;
import org.sparkao.quant.format.WeightType;

/** RMSNorm of rows, sums in double, rounded as transformers does. */
final class ReferenceNorm {
  /** Rows whose sums are made at the same time. */
  private static final int TOGETHER = 4;

  private final float[] weight;
  private final float epsilon;
  private final Arithmetic arithmetic;

  ReferenceNorm(ProjectionSpec.Norm norm, Arithmetic arithmetic) {
    ByteBuffer stored = norm.weight().bytes().get();
    byte[] bytes = new byte[stored.remaining()];
    stored.get(bytes);
    WeightType type = WeightType.valueOf(norm.weight().dtype().name());
    this.weight = new float[bytes.length / type.bytes()];
    for (int i = 0; i < weight.length; i++) {
      weight[i] = ReferenceNumbers.round(arithmetic, type.read(bytes, i * type.bytes()));
    }
    this.epsilon = norm.epsilon();
    this.arithmetic = arithmetic;
  }

  ReferenceNorm(float[] weight, float epsilon, Arithmetic arithmetic) {
    this.weight = weight;
    this.epsilon = epsilon;
    this.arithmetic = arithmetic;
  }

  /** [K], numbers of the arithmetic; not to be written. */
  float[] weight() {
    return weight;
  }

  /** Norms a row in place. */
  void apply(float[] row) {
    apply(row, 0, 1);
  }

  /** Norms {@code count} rows in place, the first of which begins at {@code first}. */
  void apply(float[] rows, int first, int count) {
    int k = weight.length;
    double[] wide = new double[TOGETHER * k];
    double[] squares = new double[TOGETHER];
    for (int row = 0; row < count; row += TOGETHER) {
      int from = first + row * k;
      int together = Math.min(TOGETHER, count - row);
      if (together == TOGETHER) {
        widenAll(rows, from, wide, squares);
      } else {
        widen(rows, from, together, wide, squares);
      }
      for (int i = 0; i < together; i++) {
        norm(wide, i * k, squares[i], rows, from + i * k);
      }
    }
  }

  /** Makes numbers double, and adds the squares of each row one after the other. */
  private void widen(float[] rows, int from, int count, double[] wide, double[] squares) {
    int k = weight.length;
    for (int row = 0; row < count; row++) {
      double sum = 0;
      for (int i = row * k; i < (row + 1) * k; i++) {
        wide[i] = rows[from + i];
        sum += wide[i] * wide[i];
      }
      squares[row] = sum;
    }
  }

  /** The same of {@link #TOGETHER} rows, whose sums do not wait for each other. */
  private void widenAll(float[] rows, int from, double[] wide, double[] squares) {
    int k = weight.length;
    double sum0 = 0;
    double sum1 = 0;
    double sum2 = 0;
    double sum3 = 0;
    for (int i = 0; i < k; i++) {
      double x0 = rows[from + i];
      double x1 = rows[from + k + i];
      double x2 = rows[from + 2 * k + i];
      double x3 = rows[from + 3 * k + i];
      wide[i] = x0;
      wide[k + i] = x1;
      wide[2 * k + i] = x2;
      wide[3 * k + i] = x3;
      sum0 += x0 * x0;
      sum1 += x1 * x1;
      sum2 += x2 * x2;
      sum3 += x3 * x3;
    }
    squares[0] = sum0;
    squares[1] = sum1;
    squares[2] = sum2;
    squares[3] = sum3;
  }

  /** In two loops, of which that of the quotients becomes one of vectors. */
  private void norm(double[] wide, int at, double squares, float[] rows, int first) {
    int k = weight.length;
    double root = Math.sqrt(squares / k + epsilon);
    for (int i = at; i < at + k; i++) {
      wide[i] /= root;
    }
    for (int i = 0; i < k; i++) {
      double one = ReferenceNumbers.round(arithmetic, wide[at + i]);
      rows[first + i] = ReferenceNumbers.round(arithmetic, one * weight[i]);
    }
  }
}
