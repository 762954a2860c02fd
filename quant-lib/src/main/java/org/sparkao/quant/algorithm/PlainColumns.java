package org.sparkao.quant.algorithm;

import org.sparkao.quant.algorithm.WeightGrid.GridScales;
import org.sparkao.quant.algorithm.WeightGrid.Rounded;
import org.sparkao.quant.format.WeightType;

/** The reference: one element after the other. */
final class PlainColumns implements ColumnRounding {
  private final WeightType type;
  private final CodeRule rule;

  PlainColumns(WeightType type, CodeRule rule) {
    this.type = type;
    this.rule = rule;
  }

  @Override
  public long round(float[] weights, int count, GridScales scales, int first, Rounded out) {
    long clipped = 0;
    for (int i = 0; i < count; i++) {
      float zeroPoint = scales.zeroPoint[first + i];
      float position = weights[i] / scales.operand[first + i] + zeroPoint;
      clipped += rule.clips(position) ? 1 : 0;
      // Zero keeps the sign of what was rounded.
      float step = Math.copySign(rule.value(rule.code(position)), position);
      out.steps[out.stepsAt + i] = step;
      out.values[i] = type.round((step - zeroPoint) * scales.dequantize[first + i]);
    }
    return clipped;
  }
}
