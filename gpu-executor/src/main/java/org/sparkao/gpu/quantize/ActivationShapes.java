package org.sparkao.gpu.quantize;

/** Refuses shapes of activations that no kernel takes. */
final class ActivationShapes {
  private static final int STEP = 16;

  private ActivationShapes() {}

  static void check(int m, int k, int step, int largest) {
    if (m < 1 || k < 1 || k % step != 0 || k > largest) {
      throw new IllegalArgumentException(
          "activations [" + m + ", " + k + "]: K is a multiple of " + step + " up to " + largest);
    }
  }

  static void check(int m, int k, int largest) {
    check(m, k, STEP, largest);
  }
}
