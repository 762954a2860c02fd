package org.sparkao.quant.torchao;

import org.sparkao.quant.format.WeightType;

/** Codes are x * multiplier in F32, cut to the largest number and rounded to nearest. */
final class Float8TrainingRule implements GroupRule {
  private static final double SMALLEST_AMAX = 1e-12;

  private final Float8TrainingSpec spec;
  private final WeightType input;
  private final CodeTable table;

  private float multiplier;

  Float8TrainingRule(Float8TrainingSpec spec, WeightType input) {
    this.spec = spec;
    this.input = input;
    this.table = new CodeTable(spec.format());
  }

  @Override
  public void begin(float min, float max) {
    double amax = Math.max(Math.abs(min), Math.abs(max));
    multiplier = (float) (spec.format().largest() / Math.max(amax, SMALLEST_AMAX));
    if (spec.multiplier() == Float8TrainingSpec.Multiplier.POWER_OF_TWO) {
      // The logarithm is an F32 number: just below a power of two it rounds up to a whole one.
      float exponent = (float) (Math.log(multiplier) / Math.log(2));
      multiplier = Math.scalb(1f, (int) Math.floor(exponent));
    }
  }

  @Override
  public int encode(float[] values, int begin, int end, byte[] codes, int codesBegin) {
    return table.encodeProducts(values, begin, end, multiplier, codes, codesBegin);
  }

  @Override
  public float decode(byte code) {
    return input.round(table.decode(code) / multiplier);
  }

  @Override
  public float operand() {
    return multiplier;
  }

  @Override
  public float multiplier() {
    return 1 / multiplier;
  }

  @Override
  public float scale() {
    return multiplier;
  }
}
