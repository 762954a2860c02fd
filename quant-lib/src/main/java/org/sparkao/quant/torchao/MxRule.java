package org.sparkao.quant.torchao;

import java.util.Arrays;
import org.sparkao.quant.format.BinaryFloat;
import org.sparkao.quant.format.NumberFormats;
import org.sparkao.quant.format.Overflow;
import org.sparkao.quant.format.WeightType;

/**
 * Codes are x * 2^-e in F32, cut to the largest number and rounded to nearest, ties to even. A
 * group with a NaN or an infinity has the scale byte 255 and NaN codes; formats without NaN repeat
 * the pattern that torchao's bit arithmetic leaves.
 */
final class MxRule implements GroupRule {
  private static final int MANTISSA_BITS = 23;
  private static final int MANTISSA = (1 << MANTISSA_BITS) - 1;
  private static final int BIAS = 127;
  private static final int NAN = 255;

  private final MxSpec spec;
  private final WeightType input;
  private final CodeTable table;
  private final byte nanCode;
  private final float inverseLargest;
  private final int largestExponent;

  private int exponentByte;
  private float reciprocal;

  MxRule(MxSpec spec, WeightType input) {
    this.spec = spec;
    this.input = input;
    this.table = new CodeTable(spec.format());
    this.nanCode = (byte) nanCode(spec.format());
    this.inverseLargest = (float) (1.0 / spec.format().largest());
    this.largestExponent = Math.getExponent(spec.format().largest());
  }

  /** What shifting the bits of an F32 NaN to the place of the format's bits leaves. */
  private static int nanCode(BinaryFloat format) {
    if (format.specials() != BinaryFloat.Specials.NONE) {
      return format.encode(Float.NaN, Overflow.SATURATE);
    }
    int bias = (1 << (format.exponentBits() - 1)) - 1;
    int shift = MANTISSA_BITS - format.mantissaBits();
    int bits = 0x7FC00000 + ((bias - BIAS) << MANTISSA_BITS) + (1 << (shift - 1)) - 1;
    return bits >> shift & 0xFF;
  }

  @Override
  public void begin(float min, float max) {
    float amax = Math.max(Math.abs(min), Math.abs(max));
    exponentByte = exponentByte(amax);
    reciprocal = exponentByte == NAN ? Float.NaN : Math.scalb(1f, BIAS - exponentByte);
  }

  private int exponentByte(float amax) {
    if (spec.mode() == MxSpec.ScalingMode.RCEIL) {
      return NumberFormats.E8M0.encodeUp(amax * inverseLargest);
    }
    if (Float.isNaN(amax)) {
      return NAN;
    }
    int bits = Float.floatToRawIntBits(amax);
    if (spec.mode() == MxSpec.ScalingMode.EVEN) {
      bits += 1 << (MANTISSA_BITS - spec.format().mantissaBits() - 1);
    }
    int exponent = bits >>> MANTISSA_BITS;
    if (exponent == NAN) {
      return NAN;
    }
    if (spec.mode() == MxSpec.ScalingMode.CEIL && (bits & MANTISSA) != 0) {
      exponent++;
    }
    return Math.max(0, exponent - largestExponent);
  }

  @Override
  public int encode(float[] values, int begin, int end, byte[] codes, int codesBegin) {
    if (exponentByte == NAN) {
      Arrays.fill(codes, codesBegin, codesBegin + end - begin, nanCode);
      return 0;
    }
    return table.encodeProducts(values, begin, end, reciprocal, codes, codesBegin);
  }

  @Override
  public float decode(byte code) {
    return input.round(table.decode(code) * scale());
  }

  @Override
  public float operand() {
    return reciprocal;
  }

  @Override
  public float scale() {
    return NumberFormats.E8M0.decode(exponentByte);
  }

  @Override
  public byte scaleCode() {
    return (byte) exponentByte;
  }
}
