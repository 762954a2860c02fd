package org.sparkao.quant.torchao;

import org.sparkao.quant.format.WeightType;

/**
 * Integer codes under an integer zero point. The scale is found in the type of the input (torch
 * rounds after every operation); codes are clamp(rint(x * (1 / scale)) + zeroPoint), where the
 * product is rounded to the wider of the types of input and scale.
 */
final class AffineRule implements GroupRule {
  private final AffineSpec spec;
  private final WeightType input;
  private final WeightType scaleType;
  private final WeightType product;
  private final float smallestScale;

  private float scale;
  private float reciprocal;
  private int zeroPoint;

  AffineRule(AffineSpec spec, WeightType input) {
    this.spec = spec;
    this.input = input;
    this.scaleType = spec.scaleType().orElse(input);
    this.product = scaleType == input ? input : WeightType.F32;
    this.smallestScale = input.round(spec.smallestScale().orElse(input.smallestNormal()));
  }

  @Override
  public void begin(float min, float max) {
    float low = Math.min(min, 0);
    float high = Math.max(max, 0);
    float chosen = Math.max(inputScale(low, high), smallestScale);
    if (spec.mapping() == AffineSpec.Mapping.ASYMMETRIC) {
      float zero = spec.codeMin() - (float) Math.rint(input.round(low / chosen));
      zeroPoint = (int) Math.max(spec.codeMin(), Math.min(spec.codeMax(), zero));
    } else {
      zeroPoint = (spec.codeMax() + spec.codeMin() + 1) / 2;
    }
    scale = scaleType.round(chosen);
    reciprocal = scaleType.round(1 / scale);
  }

  private float inputScale(float low, float high) {
    int steps = spec.codeMax() - spec.codeMin();
    switch (spec.mapping()) {
      case SYMMETRIC:
        return input.round(Math.max(-low, high) / (steps / 2f));
      case SYMMETRIC_NO_CLIPPING:
        float negative = input.round(low / spec.codeMin());
        float positive = input.round(high / spec.codeMax());
        return negative > positive ? negative : positive;
      default:
        return input.round(input.round(high - low) / steps);
    }
  }

  @Override
  public int encode(float[] values, int begin, int end, byte[] codes, int codesBegin) {
    int clipped = 0;
    float low = spec.codeMin();
    float high = spec.codeMax();
    int out = codesBegin;
    for (int i = begin; i < end; i++) {
      float code = (float) Math.rint(product.round(values[i] * reciprocal)) + zeroPoint;
      float kept = Math.max(low, Math.min(high, code));
      clipped += kept == code ? 0 : 1;
      codes[out++] = (byte) (int) kept;
    }
    return clipped;
  }

  @Override
  public float decode(byte code) {
    int signed = spec.codeMin() < 0 ? code : code & 0xFF;
    return input.round((signed - zeroPoint) * scale);
  }

  @Override
  public float operand() {
    return reciprocal;
  }

  @Override
  public float scale() {
    return scale;
  }

  @Override
  public float zeroPoint() {
    return zeroPoint;
  }
}
