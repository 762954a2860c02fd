package org.sparkao.gpu.train.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import org.sparkao.gpu.model.cpu.Lanes;

/** Loops over one row. */
final class RowMath {
  private static final VectorSpecies<Float> V = Lanes.EIGHT;
  private static final int LANES = Lanes.WIDTH;

  /** Products whose sum is made in fp32. */
  private static final int SUMMED = 128;

  private RowMath() {}

  /** The sum of products: in fp32 within pieces of 128 and eight lanes, then in fp64. */
  static double dot(float[] a, int aAt, float[] b, int bAt, int count) {
    int whole = count - count % LANES;
    float[] lanes = new float[LANES];
    double total = 0;
    for (int at = 0; at < whole; at += SUMMED) {
      int end = Math.min(at + SUMMED, whole);
      FloatVector sum = FloatVector.zero(V);
      for (int i = at; i < end; i += LANES) {
        FloatVector one = FloatVector.fromArray(V, a, aAt + i);
        sum = one.fma(FloatVector.fromArray(V, b, bAt + i), sum);
      }
      FloatVector.zero(V).add(sum).intoArray(lanes, 0);
      for (float lane : lanes) {
        total += lane;
      }
    }
    for (int i = whole; i < count; i++) {
      total += (double) a[aAt + i] * b[bAt + i];
    }
    return total;
  }

  /** 1 / sqrt(mean(x^2) + epsilon). */
  static float inverseRoot(float[] x, int at, int count, float epsilon) {
    return (float) (1 / Math.sqrt(dot(x, at, x, at, count) / count + epsilon));
  }
}
