package org.sparkao.quant.torchao;

/**
 * The parameters of one group of values that share a scale, and the codes under them. Begun once a
 * group, then asked for codes as often as the group has runs of contiguous values. Holds the
 * current group, so one instance serves one thread.
 */
public interface GroupRule {

  /** Chooses the parameters from the smallest and the largest value; NaN when a value is NaN. */
  void begin(float min, float max);

  /**
   * Codes of {@code values[begin, end)}, one a byte: two's complement for signed integers, the bit
   * pattern for floating-point formats.
   *
   * @return how many values lay outside the range of the codes
   */
  int encode(float[] values, int begin, int end, byte[] codes, int codesBegin);

  /** What the code stands for, in the data type of the weight. */
  float decode(byte code);

  /**
   * What values meet before they are rounded: a divisor for fp8 and under floating-point zero
   * points, else a factor.
   */
  float operand();

  /** What the value of a code is multiplied with. */
  default float multiplier() {
    return scale();
  }

  /** The scale as torchao stores it; for a one-byte scale, its value. */
  float scale();

  /** The zero point in the domain of the rule, 0 where there is none. */
  default float zeroPoint() {
    return 0;
  }

  /** The bits of a one-byte scale (E8M0 or E4M3). */
  default byte scaleCode() {
    throw new UnsupportedOperationException("the scale of this rule is not one byte");
  }
}
