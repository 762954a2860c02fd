package org.sparkao.quant.format;

/**
 * How one number is stored in {@link #bits()} bits. Codes are non-negative ints that hold the bits;
 * rounding is to nearest, ties to the even code, unless the format says otherwise.
 */
public interface NumberFormat {

  /** The name in documentation and tables, such as {@code e4m3fn}. */
  String name();

  /** Bits of a code. */
  int bits();

  /** The largest finite number. */
  float largest();

  /**
   * The code of the number nearest to {@code value}. NaN becomes the format's positive NaN, or the
   * code of zero where it has none.
   */
  int encode(float value, Overflow overflow);

  /** The number that {@code code} stands for, exactly. Bits above {@link #bits()} are ignored. */
  float decode(int code);
}
