package org.sparkao.gpu.layer;

import java.util.function.IntFunction;

/** Attention of one query, in double. */
public final class ReferenceAttention {
  private ReferenceAttention() {}

  /** softmax(scale q k) v over positions 0 .. count - 1; zeros when there are none. */
  public static double[] attend(
      double[] query,
      double scale,
      int count,
      IntFunction<double[]> keys,
      IntFunction<double[]> values) {
    double[] scores = new double[count];
    double largest = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < count; i++) {
      scores[i] = scale * dot(query, keys.apply(i));
      largest = Math.max(largest, scores[i]);
    }
    double[] out = new double[query.length];
    double total = 0;
    for (int i = 0; i < count; i++) {
      double weight = Math.exp(scores[i] - largest);
      double[] value = values.apply(i);
      total += weight;
      for (int d = 0; d < out.length; d++) {
        out[d] += weight * value[d];
      }
    }
    for (int d = 0; d < out.length && count > 0; d++) {
      out[d] /= total;
    }
    return out;
  }

  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int d = 0; d < a.length; d++) {
      sum += a[d] * b[d];
    }
    return sum;
  }

  /** A head of bf16 numbers. */
  static double[] head(Bf16Array x, long first, int dimension) {
    double[] numbers = new double[dimension];
    for (int d = 0; d < dimension; d++) {
      numbers[d] = x.get(first + d);
    }
    return numbers;
  }

  static void write(Bf16Array out, long first, double[] numbers) {
    for (int d = 0; d < numbers.length; d++) {
      out.put(first + d, numbers[d]);
    }
  }
}
