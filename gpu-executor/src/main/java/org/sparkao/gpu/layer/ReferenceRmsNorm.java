package org.sparkao.gpu.layer;

import org.sparkao.gpu.device.Buffer;

/** Plain Java, sums in double. */
public final class ReferenceRmsNorm implements RmsNorm {
  @Override
  public void norm(Buffer x, NormWeight weight, Buffer y, int rows) {
    weight.check("x", x, rows);
    weight.check("y", y, rows);
    Bf16Array in = new Bf16Array(x);
    Bf16Array out = new Bf16Array(y);
    Bf16Array scale = new Bf16Array(weight.values());
    for (long row = 0; row < rows; row++) {
      norm(in, out, scale, row * weight.columns(), weight);
    }
  }

  @Override
  public void addAndNorm(Buffer x, Buffer residual, NormWeight weight, Buffer y, int rows) {
    weight.check("residual", residual, rows);
    new ReferenceResidualAdd().add(x, residual, residual, (long) rows * weight.columns());
    norm(residual, weight, y, rows);
  }

  private static void norm(
      Bf16Array in, Bf16Array out, Bf16Array scale, long first, NormWeight weight) {
    double root = root(in, first, weight.columns(), weight.epsilon());
    for (int i = 0; i < weight.columns(); i++) {
      out.put(first + i, Bf16Array.round(in.get(first + i) / root) * (double) scale.get(i));
    }
  }

  /** sqrt(mean(x^2) + epsilon) of the elements from {@code first} on. */
  static double root(Bf16Array x, long first, int columns, float epsilon) {
    double squares = 0;
    for (int i = 0; i < columns; i++) {
      double value = x.get(first + i);
      squares += value * value;
    }
    return Math.sqrt(squares / columns + epsilon);
  }
}
