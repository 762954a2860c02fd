package org.sparkao.quant.algorithm;

/** What a {@link ScaleRule} decides about one group. Reused from group to group by one thread. */
final class GroupScale {
  /** What weights are divided by, or multiplied with under {@link Quotient#MULTIPLY}. */
  float operand;

  /** What a loader multiplies codes with. */
  float dequantize;

  /** Added to the rounded quotient, subtracted from codes; 0 for symmetric codes. */
  int zeroPoint;

  /** The stored form where it is a byte: e8m0 or e4m3fn. */
  int code;
}
