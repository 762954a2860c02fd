package org.sparkao.quant.algorithm;

import org.sparkao.quant.format.WeightType;

/**
 * How wrong a group is under a scale: the sum of |dequantized weight - weight|^norm. Measured twice
 * at once: exactly, and as the reference does, which rounds differences, powers and their sum to
 * the type of the weight, so that candidates may tie.
 */
final class GroupError {
  private final WeightType type;
  private final CodeRule codes;
  private final PlainKernel kernel;
  private final PowerTable power;
  private final PowerTable referencePower;

  private double exact;

  GroupError(WeightType type, CodeRule codes, Quotient quotient, double norm) {
    this.type = type;
    this.codes = codes;
    this.kernel = new PlainKernel(type, codes, quotient);
    this.power = new PowerTable(norm);
    this.referencePower = new PowerTable(type.round((float) norm));
  }

  /** The error of {@code count} values as it is. */
  double measure(float[] values, int count, GroupScale scale) {
    double sum = 0;
    for (int i = 0; i < count; i++) {
      sum += power.of(dequantized(values[i], scale) - values[i]);
    }
    return sum;
  }

  /** The same, value i counting {@code weights[i]} times. */
  double measureWeighted(float[] values, float[] weights, GroupScale scale) {
    double sum = 0;
    for (int i = 0; i < values.length; i++) {
      sum += power.of(dequantized(values[i], scale) - values[i]) * weights[i];
    }
    return sum;
  }

  /** The error of {@code count} values as the reference sees it; sets {@link #exact} too. */
  double measureLikeReference(float[] values, int count, GroupScale scale) {
    if (type == WeightType.F32) {
      exact = measure(values, count, scale);
      return exact;
    }
    exact = 0;
    float sum = 0;
    for (int i = 0; i < count; i++) {
      float difference = dequantized(values[i], scale) - values[i];
      exact += power.of(difference);
      sum += type.round((float) referencePower.of(type.round(difference)));
    }
    return type.round(sum);
  }

  /** The true error of what {@link #measureLikeReference} measured last. */
  double exact() {
    return exact;
  }

  private float dequantized(float value, GroupScale scale) {
    float nearest = codes.nearest(kernel.position(value, scale));
    return type.round((nearest - scale.zeroPoint) * scale.dequantize);
  }
}
