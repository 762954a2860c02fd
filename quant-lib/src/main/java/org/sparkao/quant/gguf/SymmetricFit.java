package org.sparkao.quant.gguf;

import java.util.Arrays;

/**
 * The scale of a group without an offset, x = scale (q - middle): the best of 19 near -middle /
 * extreme by weighted least squares. For one thread.
 *
 * <p>Source: {@code make_qx_quants} of ggml-quants.c.
 */
final class SymmetricFit {
  private static final int TRIALS = 9;

  private final int middle;
  private final float[] weights;

  /** A fit whose caller fills {@code weights}, one a value of the group, before each call. */
  SymmetricFit(int middle, float[] weights) {
    this.middle = middle;
    this.weights = weights;
  }

  /** Fits a group and leaves its codes, from 0 on, in {@code codes} from {@code at} on. */
  float fit(float[] x, int from, byte[] codes, int at) {
    int count = weights.length;
    float extreme = BlockNumbers.extreme(x, from, count);
    if (Math.abs(extreme) < BlockNumbers.ZERO) {
      Arrays.fill(codes, at, at + count, (byte) 0);
      return 0;
    }
    float scale = 0;
    float best = 0;
    // The plain one first: its scale stands even where nothing is explained.
    for (int i = -TRIALS - 1; i <= TRIALS; i++) {
      int trial = i < -TRIALS ? 0 : i;
      if (i == 0) {
        continue;
      }
      float inverse = -(middle + 0.1f * trial) / extreme;
      float products = 0;
      float squares = 0;
      for (int k = 0; k < count; k++) {
        float value = x[from + k];
        int code = code(inverse * value);
        products += weights[k] * value * code;
        squares += weights[k] * code * code;
      }
      if (i < -TRIALS || squares > 0 && products * products > best * squares) {
        scale = squares == 0 ? 0 : products / squares;
        best = scale * products;
        for (int k = 0; k < count; k++) {
          codes[at + k] = (byte) (code(inverse * x[from + k]) + middle);
        }
      }
    }
    return scale;
  }

  private int code(float quotient) {
    return BlockNumbers.nearest(quotient, -middle, middle - 1);
  }
}
