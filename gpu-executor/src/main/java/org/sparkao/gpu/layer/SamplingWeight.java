package org.sparkao.gpu.layer;

/** Weights of tokens as whole numbers, step for step as {@code sample/weight.cuh} makes them. */
final class SamplingWeight {
  private static final float LEAST_EXPONENT = -41;
  private static final int MANTISSA_BITS = 23;
  private static final int WEIGHT_BITS = 40;

  /**
   * 2^x on [0, 1): the polynomial of degree 6 through the seven Chebyshev nodes, its constant set
   * to 1, coefficients rounded to fp32; from x^6 down.
   */
  private static final float[] POWER = {
    0x1.ca8f0ap-13f, 0x1.44d4d2p-10f, 0x1.3d54d8p-7f, 0x1.c67f5p-5f, 0x1.ebfdf2p-3f, 0x1.62e428p-1f
  };

  private SamplingWeight() {}

  /**
   * floor(2^40 * exp((logit - largest) / temperature)).
   *
   * @param scale {@link SamplingRule#exponentScale}
   */
  static long of(float logit, float largest, float scale) {
    float exponent = (logit - largest) * scale;
    if (!(exponent > LEAST_EXPONENT)) {
      return 0;
    }
    int whole = (int) Math.floor(exponent);
    float fraction = exponent - whole;
    float power = POWER[0];
    for (int i = 1; i < POWER.length; i++) {
      power = Math.fma(power, fraction, POWER[i]);
    }
    power = Math.fma(power, fraction, 1f);
    long mantissa = (long) (power * (1 << MANTISSA_BITS));
    int shift = WEIGHT_BITS - MANTISSA_BITS + whole;
    return shift >= 0 ? mantissa << shift : mantissa >> -shift;
  }

  /** Bits of a logit in the order of its value; both zeros are one. */
  static int key(float logit) {
    int bits = Float.floatToRawIntBits(logit + 0f);
    return bits ^ (bits >> 31 & Integer.MAX_VALUE);
  }
}
