package org.sparkao.gpu.optimizer;

import org.sparkao.gpu.layer.Philox;

/**
 * fp32 to bf16, away from zero with the probability of the part that is cut off: when 16 random
 * bits are below the lower 16 bits of the number (torchao {@code optim/quant_utils.py}).
 *
 * <p>Element i takes half-word i mod 8, lower halves first, of the {@link Philox} words of counter
 * (i / 8, its upper 32 bits, parameter, step) under the seed.
 */
final class StochasticRounding {
  private static final int FRACTION = 0xFFFF;
  private static final int UNIT = 1 << Short.SIZE;
  private static final int DRAWS = 2 * Philox.WORDS;

  private final long seed;
  private final int parameter;
  private final int step;

  StochasticRounding(long seed, int parameter, int step) {
    this.seed = seed;
    this.parameter = parameter;
    this.step = step;
  }

  /** Rounds {@code values[0, count)}, elements [begin, begin + count) of the parameter. */
  void round(float[] values, long begin, int count) {
    int[] words = new int[Philox.WORDS];
    for (int i = 0; i < count; i++) {
      long index = begin + i;
      int draw = (int) (index % DRAWS);
      if (draw == 0 || i == 0) {
        long block = index / DRAWS;
        words[0] = (int) block;
        words[1] = (int) (block >>> Integer.SIZE);
        words[2] = parameter;
        words[3] = step;
        Philox.generate(words, seed);
      }
      values[i] = round(values[i], words[draw / 2] >>> (draw % 2 == 0 ? 0 : Short.SIZE) & FRACTION);
    }
  }

  /**
   * One number; NaN and infinities stay.
   *
   * @param random 16 bits
   */
  static float round(float value, int random) {
    if (!Float.isFinite(value)) {
      return value;
    }
    int bits = Float.floatToRawIntBits(value);
    int towardsZero = bits & ~FRACTION;
    return Float.intBitsToFloat(random < (bits & FRACTION) ? towardsZero + UNIT : towardsZero);
  }
}
