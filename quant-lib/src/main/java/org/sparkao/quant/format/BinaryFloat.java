package org.sparkao.quant.format;

import java.util.Objects;

/**
 * A binary floating-point format: sign, exponent, mantissa, with subnormal numbers and the IEEE
 * bias of 2^(exponentBits - 1) - 1. Rounding is to nearest, ties to even; a negative number that
 * rounds to zero keeps its sign.
 *
 * <p>Sources: IEEE 754-2019 (fp16); OCP 8-bit Floating Point Specification 1.0 (e4m3fn, e5m2); OCP
 * Microscaling Formats 1.0, section 5.3 (e2m1, e3m2, e2m3).
 *
 * @param name name in documentation and tables
 * @param exponentBits width of the exponent field
 * @param mantissaBits width of the mantissa field
 * @param specials which codes are no finite numbers
 */
public record BinaryFloat(String name, int exponentBits, int mantissaBits, Specials specials)
    implements NumberFormat {

  /** Which codes are no finite numbers. */
  public enum Specials {
    /** The highest exponent: infinity when the mantissa is zero, else NaN. */
    IEEE,
    /** Only the code with all exponent and mantissa bits set, a NaN. */
    NAN_ONLY,
    /** None. */
    NONE
  }

  /** Checks the widths. */
  public BinaryFloat {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(specials, "specials");
    if (exponentBits < 2 || exponentBits > 8 || mantissaBits < 1 || mantissaBits > 10) {
      throw new IllegalArgumentException(name + ": e" + exponentBits + "m" + mantissaBits);
    }
  }

  @Override
  public int bits() {
    return 1 + exponentBits + mantissaBits;
  }

  @Override
  public float largest() {
    return decode(largestCode());
  }

  /** The smallest positive number with a full mantissa. */
  public float smallestNormal() {
    return Math.scalb(1f, smallestExponent());
  }

  /** The distance from 1 to the next number. */
  public float epsilon() {
    return Math.scalb(1f, -mantissaBits);
  }

  @Override
  public int encode(float value, Overflow overflow) {
    if (Float.isNaN(value)) {
      return specials == Specials.NONE ? 0 : allOnes();
    }
    int sign = Float.floatToRawIntBits(value) >>> 31 << (bits() - 1);
    if (Float.isInfinite(value)) {
      return sign | overflowCode(overflow);
    }
    double magnitude = Math.abs((double) value);
    int exponent = Math.max(Math.getExponent(magnitude), smallestExponent());
    // A whole number of steps: 2^mantissaBits to 2^(mantissaBits + 1) for normal numbers, fewer
    // for subnormal ones. A carry moves on to the next exponent by itself.
    int steps = (int) Math.rint(Math.scalb(magnitude, mantissaBits - exponent));
    int code = steps + (exponent - smallestExponent() << mantissaBits);
    return sign | (code > largestCode() ? overflowCode(overflow) : code);
  }

  @Override
  public float decode(int code) {
    int magnitude = code & allOnes();
    float sign = (code >>> bits() - 1 & 1) == 0 ? 1 : -1;
    if (magnitude > largestCode()) {
      return specials == Specials.IEEE && magnitude == largestCode() + 1
          ? sign * Float.POSITIVE_INFINITY
          : Float.NaN;
    }
    int field = magnitude >>> mantissaBits;
    int fraction = magnitude & (1 << mantissaBits) - 1;
    int steps = field == 0 ? fraction : fraction + (1 << mantissaBits);
    int exponent = smallestExponent() + Math.max(field - 1, 0) - mantissaBits;
    return (float) (sign * Math.scalb((double) steps, exponent));
  }

  /** The nearest number of this format to {@code value}, infinity above the largest (IEEE). */
  public float round(float value) {
    return decode(encode(value, Overflow.SPECIAL));
  }

  private int smallestExponent() {
    return 2 - (1 << exponentBits - 1);
  }

  private int allOnes() {
    return (1 << exponentBits + mantissaBits) - 1;
  }

  private int largestCode() {
    return switch (specials) {
      case IEEE -> allOnes() - (1 << mantissaBits);
      case NAN_ONLY -> allOnes() - 1;
      case NONE -> allOnes();
    };
  }

  private int overflowCode(Overflow overflow) {
    return overflow == Overflow.SATURATE || specials == Specials.NONE
        ? largestCode()
        : largestCode() + 1;
  }
}
