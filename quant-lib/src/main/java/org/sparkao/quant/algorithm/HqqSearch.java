package org.sparkao.quant.algorithm;

import org.sparkao.quant.torchao.HqqGroup;

/**
 * Half-quadratic quantization for integer zero points: the scale of the full range, the zero point
 * that proximal steps lead to, rounded, expressed as the range that has both. Kept only if the sum
 * of |error|^0.7 is not larger than under the full range.
 *
 * <p>A group stops when its own error no longer falls; the reference ({@link
 * org.sparkao.quant.torchao.Hqq}) stops all groups of a tensor together, which would make rows
 * depend on how the tensor is cut. Here a group may take more steps or fewer.
 */
final class HqqSearch implements RangeSearch {
  static final double NORM = 0.7;

  private final ScaleRule rule;
  private final int steps;
  private final GroupError error;
  private final HqqGroup group;
  private final GroupScale scale = new GroupScale();

  HqqSearch(ScaleRule rule, CodeRule codes, GroupError error, int bits) {
    this.rule = rule;
    this.steps = (int) (codes.largest() - codes.smallest());
    this.error = error;
    this.group = new HqqGroup(bits);
  }

  @Override
  public void search(float[] values, int count, GroupRange found) {
    float low = Math.min(found.min, 0);
    float high = Math.max(found.max, 0);
    if (low == high) {
      return;
    }
    double ofFullRange = measure(values, count, low, high);
    group.begin(values, 0, count, low, high);
    double least = Double.POSITIVE_INFINITY;
    for (int step = 0; step < HqqGroup.STEPS; step++) {
      double before = group.step(HqqGroup.beta(step));
      if (!(before < least)) {
        break;
      }
      least = before;
    }
    double zero = Math.max(0, Math.min(steps, Math.rint(group.zero())));
    float width = high - low;
    float shifted = (float) (-zero / steps * width);
    if (measure(values, count, shifted, shifted + width) <= ofFullRange) {
      found.min = shifted;
      found.max = shifted + width;
    }
  }

  private double measure(float[] values, int count, float low, float high) {
    rule.choose(low, high, scale);
    return error.measure(values, count, scale);
  }
}
