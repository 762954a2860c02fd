package org.sparkao.quant.gguf;

/** Codes into 16 values that lie denser near zero, and the scale of 32 values for them. */
final class UnevenFit {
  private static final int[] VALUES = {
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113
  };
  private static final int SIZE = 32;
  private static final int TRIALS = 7;

  private UnevenFit() {}

  /** What a code stands for, before the scale. */
  static int value(int code) {
    return VALUES[code];
  }

  /** The code whose value is nearest, of two as near the larger. */
  static int code(float value) {
    float twice = value + value;
    int code = 0;
    for (int step = VALUES.length / 2; step > 0; step /= 2) {
      if (twice >= VALUES[code + step - 1] + VALUES[code + step]) {
        code += step;
      }
    }
    return code;
  }

  /** The best of 16 scales by least squares weighted by x^2; 0 for zeros. */
  static float scale(float[] x, int from) {
    float[] weights = new float[SIZE];
    for (int j = 0; j < SIZE; j++) {
      weights[j] = x[from + j] * x[from + j];
    }
    return scale(x, from, weights);
  }

  /** The same with weights, one a value. */
  static float scale(float[] x, int from, float[] weights) {
    float extreme = BlockNumbers.extreme(x, from, SIZE);
    if (Math.abs(extreme) < BlockNumbers.ZERO) {
      return 0;
    }
    float scale = 0;
    float best = 0;
    for (int i = -TRIALS - 1; i <= TRIALS; i++) {
      boolean first = i < -TRIALS;
      float inverse = first ? 1 / (-extreme / VALUES[0]) : (i + VALUES[0]) / extreme;
      float products = 0;
      float squares = 0;
      for (int j = from; j < from + SIZE; j++) {
        float value = VALUES[code(inverse * x[j])];
        float weight = weights[j - from];
        products += weight * value * x[j];
        squares += weight * value * value;
      }
      if (first || squares > 0 && products * products > best * squares) {
        scale = products / squares;
        best = scale * products;
      }
    }
    return scale;
  }
}
