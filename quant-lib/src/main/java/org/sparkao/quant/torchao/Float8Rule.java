package org.sparkao.quant.torchao;

import org.sparkao.quant.format.WeightType;

/** Codes are x / scale in F32, cut to the largest number and rounded to nearest, ties to even. */
final class Float8Rule implements GroupRule {
  private final Float8Spec spec;
  private final WeightType input;
  private final CodeTable table;

  private float scale;

  Float8Rule(Float8Spec spec, WeightType input) {
    this.spec = spec;
    this.input = input;
    this.table = new CodeTable(spec.format());
  }

  @Override
  public void begin(float min, float max) {
    float amax = Math.max(Math.abs(min), Math.abs(max));
    amax = Math.max(amax, input.round(spec.smallestAmax()));
    amax = Math.min(amax, input.round(spec.largestAmax()));
    scale = input.round(amax / spec.format().largest());
    if (spec.scaleRounding() == Float8Spec.ScaleRounding.POWER_OF_TWO) {
      double exponent = input.round((float) (Math.log(scale) / Math.log(2)));
      scale = input.round((float) Math.pow(2, Math.rint(exponent)));
    }
  }

  @Override
  public int encode(float[] values, int begin, int end, byte[] codes, int codesBegin) {
    return table.encodeQuotients(values, begin, end, scale, codes, codesBegin);
  }

  @Override
  public float decode(byte code) {
    return input.round(table.decode(code) * scale);
  }

  @Override
  public float operand() {
    return scale;
  }

  @Override
  public float scale() {
    return scale;
  }
}
