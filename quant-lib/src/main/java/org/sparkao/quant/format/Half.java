package org.sparkao.quant.format;

/** fp16 in a few operations on bits: what {@link NumberFormats#FP16} says, several times faster. */
final class Half {
  private static final int MAGNITUDE = 0x7FFFFFFF;
  private static final int INFINITE = 0x7F800000;
  private static final int DROPPED = 13;
  private static final int HALF_INFINITE = 0x7C00;
  private static final int NAN = 0x7FFF;

  /** Between the biases of both exponents, in fp32. */
  private static final int REBIAS = 127 - 15 << 23;

  /** 2^16, beyond all halves, in fp32. */
  private static final int TOO_LARGE = 127 + 16 << 23;

  /** 2^-14, the smallest normal half, in fp32. */
  private static final int NORMAL = 127 - 14 << 23;

  /** Steps of fp32 from one half on are those of subnormal halves. */
  private static final float SUBNORMAL_STEPS = 0.5f;

  private Half() {}

  /** The code of the nearest half, ties to even; infinity where that is too large. */
  static int encode(float value) {
    int bits = Float.floatToRawIntBits(value);
    int sign = bits >>> 16 & 0x8000;
    int magnitude = bits & MAGNITUDE;
    if (magnitude >= TOO_LARGE) {
      return magnitude > INFINITE ? NAN : sign | HALF_INFINITE;
    }
    if (magnitude < NORMAL) {
      float steps = Float.intBitsToFloat(magnitude) + SUBNORMAL_STEPS;
      return sign | Float.floatToRawIntBits(steps) - Float.floatToRawIntBits(SUBNORMAL_STEPS);
    }
    int odd = magnitude >>> DROPPED & 1;
    // A carry moves on to the next exponent, and from the last one to infinity.
    return sign | magnitude + (1 << DROPPED - 1) - 1 + odd - REBIAS >>> DROPPED;
  }

  /** What a code stands for. */
  static float decode(int code) {
    int sign = (code & 0x8000) << 16;
    int magnitude = code & 0x7FFF;
    if (magnitude > HALF_INFINITE) {
      return Float.NaN;
    }
    if (magnitude == HALF_INFINITE) {
      return Float.intBitsToFloat(sign | INFINITE);
    }
    if (magnitude < 1 << 23 - DROPPED) {
      return Float.intBitsToFloat(sign | Float.floatToRawIntBits(magnitude * 0x1p-24f));
    }
    return Float.intBitsToFloat(sign | (magnitude << DROPPED) + REBIAS);
  }
}
