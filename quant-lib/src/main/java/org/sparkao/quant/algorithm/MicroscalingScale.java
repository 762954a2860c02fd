package org.sparkao.quant.algorithm;

import org.sparkao.quant.format.WeightType;

/**
 * e8m0 scales of MX blocks, as compressed-tensors computes them: amax is rounded to a power of two
 * in its own type by adding a quarter of the mantissa's range and dropping the mantissa (1.75 and
 * above go up), and the exponent is lowered by that of the largest code.
 *
 * <p>Kept as in the reference: an amax whose rounding overflows D gives byte 127 and codes of zero;
 * in fp16 a scale below 2^-24 gives byte 127. Source: compressed-tensors 0.18, {@code
 * quantization/utils/mxfp_utils.py}, and what it was seen to write.
 */
final class MicroscalingScale implements ScaleRule {
  private static final int ONE = 127;

  private final WeightType type;
  private final int largestExponent;

  /** A rule for codes whose largest value lies in [2^e, 2^(e + 1)), {@code e = largestExponent}. */
  MicroscalingScale(WeightType type, int largestExponent) {
    this.type = type;
    this.largestExponent = largestExponent;
  }

  @Override
  public Quotient quotient() {
    return Quotient.DIVIDE_IN_WEIGHT_TYPE;
  }

  @Override
  public void choose(float min, float max, GroupScale out) {
    float amax = Math.max(Math.max(-min, max), 0);
    out.zeroPoint = 0;
    out.code = ONE;
    out.dequantize = 1;
    if (overflows(amax)) {
      out.operand = Float.POSITIVE_INFINITY;
      return;
    }
    int exponent = roundedExponent(amax) - largestExponent;
    int code = Math.max(0, Math.min(254, exponent + ONE));
    float scale = type.round(Math.scalb(1f, code - ONE));
    if (scale != 0) {
      out.code = code;
      out.dequantize = scale;
    }
    out.operand = out.dequantize;
  }

  private boolean overflows(float amax) {
    return amax >= (type == WeightType.F16 ? 57344f : 0x1.cp127f);
  }

  /** Exponent of {@code amax} after rounding; subnormal numbers of D count as zero. */
  private int roundedExponent(float amax) {
    if (type == WeightType.F16) {
      float inNormalRange = amax < type.smallestNormal() ? subnormalUp(amax) : amax;
      return Math.getExponent(Float.intBitsToFloat(quarterUp(inNormalRange)));
    }
    return Math.getExponent(Float.intBitsToFloat(quarterUp(amax)));
  }

  private static int quarterUp(float amax) {
    return Float.floatToRawIntBits(amax) + (1 << 21);
  }

  /** A subnormal fp16 number has no leading one: a quarter more makes it 2^-14 or zero. */
  private float subnormalUp(float amax) {
    return amax + 0.25f * type.smallestNormal() >= type.smallestNormal()
        ? type.smallestNormal()
        : 0;
  }
}
