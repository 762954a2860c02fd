package org.sparkao.quant.algorithm;

import org.sparkao.quant.format.WeightType;

/**
 * The reference: one element after the other, in plain Java.
 *
 * <p>NaN becomes the NaN of the format, or the code that stands for zero where there is none;
 * infinities become the largest code of their sign. Both are counted and left out of the sums.
 */
final class PlainKernel implements GroupKernel {
  private final WeightType type;
  private final CodeRule rule;
  private final Quotient quotient;

  PlainKernel(WeightType type, CodeRule rule, Quotient quotient) {
    this.type = type;
    this.rule = rule;
    this.quotient = quotient;
  }

  @Override
  public void quantize(GroupSlice group, GroupScale scale, ErrorSums sums) {
    quantize(group, 0, scale, sums);
  }

  /** From element {@code first} of the group on. */
  void quantize(GroupSlice group, int first, GroupScale scale, ErrorSums sums) {
    int step = type.bytes();
    for (int j = first; j < group.count; j++) {
      float weight = type.read(group.source, group.offset + j * step);
      float position = position(weight, scale);
      byte code = rule.code(position);
      group.codes[group.codeOffset + j] = code;
      if (group.careful && !Float.isFinite(weight)) {
        sums.addNonFinite();
        continue;
      }
      if (rule.clips(position)) {
        sums.clipped++;
      }
      float dequantized = type.round((rule.value(code) - scale.zeroPoint) * scale.dequantize);
      if (group.careful) {
        sums.addCarefully(weight, dequantized);
      } else {
        sums.add(j % ErrorSums.LANES, weight, dequantized);
      }
    }
  }

  /** Where a weight lies on the grid of codes, before clamping and rounding. */
  float position(float weight, GroupScale scale) {
    if (Float.isNaN(weight)) {
      return rule.integer() ? scale.zeroPoint : Float.NaN;
    }
    return switch (quotient) {
      case DIVIDE_IN_WEIGHT_TYPE ->
          type.round(type.round(weight / scale.operand) + scale.zeroPoint);
      case DIVIDE -> weight / scale.operand + 0f;
      case DIVIDE_KEEPING_SIGN -> weight / scale.operand;
      case MULTIPLY -> weight * scale.operand;
      case MULTIPLY_AND_ROUND ->
          (float) Math.rint((double) (weight * scale.operand)) + scale.zeroPoint;
      case MULTIPLY_AND_ROUND_IN_WEIGHT_TYPE ->
          (float) Math.rint((double) type.round(weight * scale.operand)) + scale.zeroPoint;
    };
  }
}
