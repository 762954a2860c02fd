package org.sparkao.quant.gguf;

import java.util.Arrays;

/**
 * The scale of numbers that are not negative, x = scale q: the best of nine by weighted squares of
 * errors, then code by code whatever makes the explained part larger. For one thread.
 *
 * <p>Source: {@code make_qp_quants} of ggml-quants.c.
 */
final class PositiveFit {
  private static final int TRIALS = 4;
  private static final int PASSES = 5;

  private final int largest;
  private final float[] weights;

  /** A fit whose caller fills {@code weights}, one a number, before each call. */
  PositiveFit(int largest, float[] weights) {
    this.largest = largest;
    this.weights = weights;
  }

  /** Fits numbers and leaves their codes in place. */
  float fit(float[] x, byte[] codes) {
    float most = 0;
    for (float value : x) {
      most = Math.max(most, value);
    }
    if (most < BlockNumbers.ZERO) {
      Arrays.fill(codes, (byte) 0);
      return 0;
    }
    float inverse = inverse(x, most);
    float products = 0;
    float squares = 0;
    for (int i = 0; i < x.length; i++) {
      int code = Math.min(largest, BlockNumbers.nearest(inverse * x[i]));
      codes[i] = (byte) code;
      products += weights[i] * x[i] * code;
      squares += weights[i] * code * code;
    }
    boolean changed = true;
    for (int pass = 0; pass < PASSES && changed; pass++) {
      changed = false;
      for (int i = 0; i < x.length; i++) {
        float weight = weights[i];
        float otherProducts = products - weight * x[i] * codes[i];
        float otherSquares = squares - weight * codes[i] * codes[i];
        if (!(otherProducts > 0 && otherSquares > 0)) {
          continue;
        }
        int code = Math.min(largest, BlockNumbers.nearest(x[i] * otherSquares / otherProducts));
        if (code == codes[i]) {
          continue;
        }
        otherProducts += weight * x[i] * code;
        otherSquares += weight * code * code;
        if (otherProducts * otherProducts * squares > products * products * otherSquares) {
          codes[i] = (byte) code;
          products = otherProducts;
          squares = otherSquares;
          changed = true;
        }
      }
    }
    return squares > 0 ? products / squares : 0;
  }

  private float inverse(float[] x, float most) {
    float chosen = largest / most;
    float least = error(x, chosen, Integer.MAX_VALUE);
    for (int trial = -TRIALS; trial <= TRIALS; trial++) {
      if (trial == 0) {
        continue;
      }
      float inverse = (0.1f * trial + largest) / most;
      float error = error(x, inverse, largest);
      if (error < least) {
        least = error;
        chosen = inverse;
      }
    }
    return chosen;
  }

  private float error(float[] x, float inverse, int cap) {
    float scale = 1 / inverse;
    float sum = 0;
    for (int i = 0; i < x.length; i++) {
      int code = Math.min(cap, BlockNumbers.nearest(inverse * x[i]));
      float difference = x[i] - scale * code;
      sum += weights[i] * difference * difference;
    }
    return sum;
  }
}
