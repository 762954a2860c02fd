package org.sparkao.gpu.model.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/** RMSNorm of a row: weight * (x / sqrt(mean(x^2) + epsilon)). */
final class RowNorm {
  private static final VectorSpecies<Float> V = Lanes.EIGHT;
  private static final int LANES = Lanes.WIDTH;

  /** Elements whose squares are added in fp32. */
  private static final int SUMMED = 128;

  private final float[] weight;
  private final float epsilon;

  RowNorm(float[] weight, float epsilon) {
    this.weight = weight;
    this.epsilon = epsilon;
  }

  /** In place. */
  void apply(float[] x, int first) {
    float factor = (float) (1 / Math.sqrt(squares(x, first) / weight.length + epsilon));
    for (int i = 0; i < weight.length; i++) {
      x[first + i] = x[first + i] * factor * weight[i];
    }
  }

  private double squares(float[] x, int first) {
    int count = weight.length;
    int whole = count - count % LANES;
    float[] lanes = new float[LANES];
    double total = 0;
    for (int at = 0; at < whole; at += SUMMED) {
      int end = first + Math.min(at + SUMMED, whole);
      FloatVector sum = FloatVector.zero(V);
      for (int i = first + at; i < end; i += LANES) {
        FloatVector one = FloatVector.fromArray(V, x, i);
        sum = one.fma(one, sum);
      }
      FloatVector.zero(V).add(sum).intoArray(lanes, 0);
      for (float lane : lanes) {
        total += lane;
      }
    }
    for (int i = whole; i < count; i++) {
      total += (double) x[first + i] * x[first + i];
    }
    return total;
  }
}
