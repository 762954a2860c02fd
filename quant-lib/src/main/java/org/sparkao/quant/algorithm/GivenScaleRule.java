package org.sparkao.quant.algorithm;

import org.sparkao.quant.format.WeightType;

/** Scales that are given, in the arithmetic of the rule that they stand in for. */
final class GivenScaleRule implements ScaleRule {
  private final GivenScales given;
  private final ScaleGrid grid;
  private final Quotient quotient;
  private final WeightType type;

  /**
   * Scales of one tensor.
   *
   * @param quotient of the rule that finds scales otherwise
   */
  GivenScaleRule(GivenScales given, ScaleGrid grid, Quotient quotient, WeightType type) {
    this.given = given;
    this.grid = grid;
    this.quotient = quotient;
    this.type = type;
  }

  /** The one scale of a whole tensor. */
  @Override
  public void choose(float min, float max, GroupScale out) {
    fill(0, out);
  }

  @Override
  public void chooseAt(long row, int group, GroupRange range, GroupScale out) {
    fill(Math.toIntExact(row / grid.rows() * grid.groups()) + group, out);
  }

  private void fill(int index, GroupScale out) {
    float scale = given.scales()[index];
    out.dequantize = scale;
    out.operand =
        switch (quotient) {
          case DIVIDE_IN_WEIGHT_TYPE, DIVIDE, DIVIDE_KEEPING_SIGN -> scale;
          case MULTIPLY, MULTIPLY_AND_ROUND -> 1 / scale;
          case MULTIPLY_AND_ROUND_IN_WEIGHT_TYPE -> type.round(1 / scale);
        };
    out.zeroPoint = given.zeroPoints().length == 0 ? 0 : given.zeroPoints()[index];
  }

  @Override
  public Quotient quotient() {
    return quotient;
  }
}
