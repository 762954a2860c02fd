package org.sparkao.quant.format;

/**
 * Signed integers in two's complement, -2^(bits - 1) to 2^(bits - 1) - 1. Rounding is to nearest,
 * ties to even; too large values are clamped under either {@link Overflow}; NaN becomes 0.
 *
 * @param bits width, 1 to 8
 */
public record TwosComplement(int bits) implements NumberFormat {

  /** Checks the width. */
  public TwosComplement {
    if (bits < 1 || bits > 8) {
      throw new IllegalArgumentException("integers of " + bits + " bits");
    }
  }

  @Override
  public String name() {
    return "int" + bits;
  }

  @Override
  public float largest() {
    return (1 << bits - 1) - 1;
  }

  /** The smallest number, -2^(bits - 1). */
  public float smallest() {
    return -(1 << bits - 1);
  }

  @Override
  public int encode(float value, Overflow overflow) {
    int rounded = (int) Math.rint((double) value);
    return Math.max((int) smallest(), Math.min((int) largest(), rounded)) & (1 << bits) - 1;
  }

  @Override
  public float decode(int code) {
    return code << 32 - bits >> 32 - bits;
  }
}
