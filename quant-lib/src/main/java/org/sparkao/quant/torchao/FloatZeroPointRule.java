package org.sparkao.quant.torchao;

import org.sparkao.quant.format.WeightType;

/**
 * Integer codes whose middle one stands for a floating-point zero point, as the tinygemm kernels
 * want them: w = (code - middle) * scale + zeroPoint. Everything is rounded to the input type after
 * every operation, and the minimum that codes are counted from is computed back from the zero
 * point.
 */
final class FloatZeroPointRule implements GroupRule {
  private final AffineSpec spec;
  private final WeightType type;
  private final float middle;
  private final float smallestScale;

  private float scale;
  private float zeroPoint;
  private float origin;

  FloatZeroPointRule(AffineSpec spec, WeightType input) {
    this.spec = spec;
    this.type = input;
    this.middle = (spec.codeMax() + spec.codeMin() + 1) / 2f;
    this.smallestScale = type.round(spec.smallestScale().orElse(type.smallestNormal()));
    if (spec.scaleType().filter(stored -> stored != input).isPresent()) {
      throw new IllegalArgumentException("a floating-point zero point needs a scale of its type");
    }
  }

  @Override
  public void begin(float min, float max) {
    int steps = spec.codeMax() - spec.codeMin();
    scale = Math.max(type.round(type.round(max - min) / steps), smallestScale);
    zeroPoint = type.round(min + type.round(scale * middle));
    origin = type.round(zeroPoint - type.round(scale * middle));
  }

  @Override
  public int encode(float[] values, int begin, int end, byte[] codes, int codesBegin) {
    int clipped = 0;
    int out = codesBegin;
    for (int i = begin; i < end; i++) {
      float code = (float) Math.rint(type.round(type.round(values[i] - origin) / scale));
      float kept = Math.max(spec.codeMin(), Math.min(spec.codeMax(), code));
      clipped += kept == code ? 0 : 1;
      codes[out++] = (byte) (int) kept;
    }
    return clipped;
  }

  @Override
  public float decode(byte code) {
    return type.round(type.round(((code & 0xFF) - middle) * scale) + zeroPoint);
  }

  @Override
  public float operand() {
    return scale;
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
