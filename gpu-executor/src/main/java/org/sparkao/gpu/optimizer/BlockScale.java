package org.sparkao.gpu.optimizer;

/** The scale of a block: its largest magnitude. */
final class BlockScale {
  private static final float SMALLEST = 1e-12f;

  private BlockScale() {}

  /** The largest magnitude of {@code values[begin, end)}, 1e-12 at least; NaN is left out. */
  static float largest(float[] values, int begin, int end) {
    float largest = SMALLEST;
    for (int i = begin; i < end; i++) {
      float magnitude = Math.abs(values[i]);
      largest = magnitude > largest ? magnitude : largest;
    }
    return largest;
  }
}
