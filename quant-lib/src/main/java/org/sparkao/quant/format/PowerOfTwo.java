package org.sparkao.quant.format;

/**
 * e8m0: a bare exponent byte, 2^(code - 127), 255 = NaN; no sign, no zero. Source: OCP Microscaling
 * Formats 1.0, section 5.4.1.
 */
public record PowerOfTwo() implements NumberFormat {
  private static final int NAN = 255;
  private static final int BIAS = 127;
  private static final int HALF = 1 << 22;
  private static final int MANTISSA = (1 << 23) - 1;
  private static final float SMALLEST = 0x1p-127f;

  @Override
  public String name() {
    return "e8m0";
  }

  @Override
  public int bits() {
    return 8;
  }

  @Override
  public float largest() {
    return Math.scalb(1f, 127);
  }

  /**
   * The power of two nearest to the magnitude of {@code value}, exactly half-way goes up. Of fp32's
   * subnormal numbers those above 2^-127 become 2^-126, the others 2^-127. What rounds to 2^128,
   * infinities and NaN become NaN.
   *
   * @param overflow {@link Overflow#SPECIAL}: zero and negative numbers become NaN (ml_dtypes);
   *     {@link Overflow#SATURATE}: zero becomes code 0, signs are dropped (PyTorch)
   */
  @Override
  public int encode(float value, Overflow overflow) {
    if (overflow == Overflow.SPECIAL && !(value > 0)) {
      return NAN;
    }
    float magnitude = Math.abs(value);
    return magnitude < Float.MIN_NORMAL
        ? subnormal(magnitude)
        : normal(Float.floatToRawIntBits(magnitude) + HALF);
  }

  /**
   * The smallest power of two that is not below the magnitude of {@code value}. Subnormal numbers,
   * infinities, NaN and what exceeds 2^127 as in {@link #encode}; signs are dropped (torchao,
   * {@code RCEIL}).
   */
  public int encodeUp(float value) {
    float magnitude = Math.abs(value);
    return magnitude < Float.MIN_NORMAL
        ? subnormal(magnitude)
        : normal(Float.floatToRawIntBits(magnitude) + MANTISSA);
  }

  @Override
  public float decode(int code) {
    int exponent = code & NAN;
    return exponent == NAN ? Float.NaN : Math.scalb(1f, exponent - BIAS);
  }

  private static int subnormal(float magnitude) {
    return magnitude > SMALLEST ? 1 : 0;
  }

  private static int normal(int bits) {
    return Math.min(NAN, bits >>> 23);
  }
}
