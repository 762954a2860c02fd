package org.sparkao.quant.algorithm;

import org.sparkao.quant.torchao.GroupRule;

/**
 * Scales as torchao computes them. A scale of zero, that of zeros in fp8, divides as if it were the
 * smallest number: the codes of zeros are zeros, where torchao writes NaN.
 */
final class TorchaoScale implements ScaleRule {
  private final GroupRule rule;
  private final Quotient quotient;
  private final boolean byteScale;
  private final float global;

  /**
   * A rule for one tensor.
   *
   * @param byteScale whether scales are stored as one byte
   * @param global the divisor of the tensor, 1 where there is none
   */
  TorchaoScale(GroupRule rule, Quotient quotient, boolean byteScale, float global) {
    this.rule = rule;
    this.quotient = quotient;
    this.byteScale = byteScale;
    this.global = global;
  }

  @Override
  public void choose(float min, float max, GroupScale out) {
    boolean empty = min > max;
    rule.begin(empty ? 0 : min, empty ? 0 : max);
    float operand = rule.operand();
    out.operand = operand == 0 ? Float.MIN_VALUE : operand;
    out.dequantize = rule.multiplier();
    out.zeroPoint = (int) rule.zeroPoint();
    out.code = byteScale ? rule.scaleCode() & 0xFF : 0;
  }

  @Override
  public Quotient quotient() {
    return quotient;
  }

  @Override
  public float global() {
    return global;
  }
}
