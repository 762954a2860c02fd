package org.sparkao.quant.algorithm;

import org.sparkao.quant.format.BinaryFloat;
import org.sparkao.quant.format.WeightType;

/** The reference: one element after the other. */
final class PlainDequantizer implements GroupDequantizer {
  private static final int BIAS = 127;
  private static final int MANTISSA_BITS = 23;

  private final WeightType type;
  private final CodeRule codes;
  private final PlainKernel kernel;
  private final int smallestExponent;
  private final int stepExponent;

  PlainDequantizer(WeightType type, CodeRule codes, Quotient quotient) {
    this.type = type;
    this.codes = codes;
    this.kernel = new PlainKernel(type, codes, quotient);
    if (codes.format() instanceof BinaryFloat format) {
      this.smallestExponent = BIAS + Math.getExponent(format.smallestNormal());
      this.stepExponent = MANTISSA_BITS - format.mantissaBits();
    } else {
      // Whole numbers up to 2^7 are evenly spaced, as numbers below 2^8 of 8 mantissa bits are.
      this.smallestExponent = BIAS + Byte.SIZE;
      this.stepExponent = MANTISSA_BITS - Byte.SIZE;
    }
  }

  @Override
  public void dequantize(float[] weights, int begin, int count, GroupScale scale, float[] out) {
    for (int j = 0; j < count; j++) {
      float nearest = nearest(kernel.position(weights[begin + j], scale));
      out[j] = type.round((nearest - scale.zeroPoint) * scale.dequantize);
    }
  }

  /** The number that the code of a position stands for. */
  float nearest(float position) {
    float clamped = Math.max(codes.smallest(), Math.min(codes.largest(), position));
    // The last bit of a sum with this power of two is worth one step of the codes.
    int exponent = Math.max(Float.floatToRawIntBits(clamped) << 1 >>> 24, smallestExponent);
    float rounder = Float.intBitsToFloat(exponent + stepExponent << MANTISSA_BITS);
    return Math.copySign(Math.abs(clamped) + rounder - rounder, clamped);
  }
}
