package org.sparkao.quant.algorithm;

import org.sparkao.quant.format.NumberFormat;
import org.sparkao.quant.format.NumberFormats;
import org.sparkao.quant.format.Overflow;
import org.sparkao.quant.format.TwosComplement;
import org.sparkao.quant.scheme.QuantArgs;

/**
 * The codes that a quotient is rounded to.
 *
 * @param format their number format
 * @param smallest smallest code value
 * @param largest largest code value
 * @param clippedBelow quotients below this round to less than {@code smallest}
 * @param clippedAbove quotients above this round to more than {@code largest}
 */
record CodeRule(
    NumberFormat format, float smallest, float largest, float clippedBelow, float clippedAbove) {

  static CodeRule of(QuantArgs args) {
    if (args.kind() == QuantArgs.Kind.INT) {
      TwosComplement format = new TwosComplement(args.bits());
      // Halves go to the even neighbour: beyond the largest, which is odd, not below the smallest.
      float below = format.smallest() - 0.5f;
      float above = Math.nextDown(format.largest() + 0.5f);
      return new CodeRule(format, format.smallest(), format.largest(), below, above);
    }
    return args.bits() == 8
        ? new CodeRule(NumberFormats.E4M3FN, -448, 448, -464, 464)
        : new CodeRule(NumberFormats.E2M1, -6, 6, -Math.nextDown(7f), Math.nextDown(7f));
  }

  /** Whether codes are integers. */
  boolean integer() {
    return format instanceof TwosComplement;
  }

  /**
   * The code of {@code quotient}, clamped, then rounded; sign-extended for integers. The caller has
   * added the zero point, so that negative zero has become positive.
   */
  byte code(float quotient) {
    float clamped = Math.max(smallest, Math.min(largest, quotient));
    int code = format.encode(clamped, Overflow.SATURATE);
    return (byte) (integer() ? (int) format.decode(code) : code);
  }

  /** The number that a code of {@link #code} stands for. */
  float value(byte code) {
    return format.decode(code);
  }

  boolean clips(float quotient) {
    return quotient < clippedBelow || quotient > clippedAbove;
  }
}
