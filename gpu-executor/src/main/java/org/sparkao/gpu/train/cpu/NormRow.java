package org.sparkao.gpu.train.cpu;

import org.sparkao.gpu.tensor.HostTensor;

/** The gradient of RMSNorm of one row. */
final class NormRow {
  private NormRow() {}

  /**
   * What was normed.
   *
   * @param x row at {@code at}
   * @param root 1 / sqrt(mean(x^2) + epsilon)
   */
  record Input(float[] x, int at, float root) {}

  /** Adds root * (g - n * mean(g * n)), with g = dy * weight and n = x * root, to dx. */
  static void addGradient(
      Input input, HostTensor weight, float[] dy, int dyAt, float[] dx, int dxAt) {
    int count = weight.columns();
    float[] x = input.x();
    int at = input.at();
    float[] g = new float[count];
    float[] factors = weight.array();
    int first = weight.offset();
    for (int i = 0; i < count; i++) {
      g[i] = dy[dyAt + i] * factors[first + i];
    }
    float root = input.root();
    double projection = RowMath.dot(g, 0, x, at, count) * root * root / count;
    float along = (float) projection;
    for (int i = 0; i < count; i++) {
      dx[dxAt + i] += root * (g[i] - x[at + i] * along);
    }
  }
}
