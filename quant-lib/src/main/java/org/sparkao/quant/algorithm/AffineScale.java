package org.sparkao.quant.algorithm;

import org.sparkao.quant.format.WeightType;

/**
 * Scales in the type D of the weight, as compressed-tensors computes them. Every operation is
 * rounded to D; a scale of exactly zero becomes eps of D.
 *
 * <p>Symmetric: scale = amax / ((qmax - qmin) / 2), that is 7.5 for int4, 127.5 for int8, 448 for
 * e4m3fn. Asymmetric: scale = (max - min) / (qmax - qmin) and zero point = qmin - min / scale,
 * clamped, then rounded; the division uses the scale before a zero is replaced, and 0 / 0 gives
 * zero point 0. Source: compressed-tensors 0.18, {@code quantization/utils/helpers.py}.
 */
final class AffineScale implements ScaleRule {
  private final WeightType type;
  private final CodeRule codes;
  private final boolean symmetric;

  AffineScale(WeightType type, CodeRule codes, boolean symmetric) {
    this.type = type;
    this.codes = codes;
    this.symmetric = symmetric;
  }

  @Override
  public Quotient quotient() {
    return Quotient.DIVIDE_IN_WEIGHT_TYPE;
  }

  @Override
  public void choose(float min, float max, GroupScale out) {
    float low = Math.min(min, 0);
    float high = Math.max(max, 0);
    float width = codes.largest() - codes.smallest();
    float scale;
    int zeroPoint = 0;
    if (symmetric) {
      scale = type.round(Math.max(-low, high) / (width / 2));
    } else {
      scale = type.round(type.round(high - low) / width);
      float exact = type.round(codes.smallest() - type.round(low / scale));
      float clamped = Math.max(codes.smallest(), Math.min(codes.largest(), exact));
      zeroPoint = Float.isNaN(clamped) ? 0 : (int) Math.rint((double) clamped);
    }
    out.operand = scale == 0 ? type.epsilon() : scale;
    out.dequantize = out.operand;
    out.zeroPoint = zeroPoint;
  }
}
