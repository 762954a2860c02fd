package org.sparkao.quant.gguf;

/**
 * How much the columns of a matrix count: the mean of x^2 of its input, by column. Errors of a
 * value are weighted by it and by how large the value is beside its neighbours.
 *
 * <p>Source: the {@code quantize_row_*_impl} of ggml-quants.c. For one thread.
 */
final class Importance {
  private final float[] means;
  private int rowBegin;

  /** Means [K], owned by this. */
  Importance(float[] means) {
    this.means = means;
  }

  int columns() {
    return means.length;
  }

  /** Begins a row whose first value is at {@code begin}. */
  void beginRow(int begin) {
    rowBegin = begin;
  }

  /** Mean of x^2 of values. */
  static float meanSquare(float[] values, int from, int count) {
    return squares(values, from, count) / count;
  }

  /** Twice that, as some types have it. */
  static float twiceMeanSquare(float[] values, int from, int count) {
    return 2 * squares(values, from, count) / count;
  }

  /** Sum of x^2, from the first to the last. */
  static float squares(float[] values, int from, int count) {
    float sum = 0;
    for (int i = from; i < from + count; i++) {
      sum += values[i] * values[i];
    }
    return sum;
  }

  /** The mean of x^2 of the whole row. */
  float meanSquareOfRow(float[] values) {
    return meanSquare(values, rowBegin, means.length);
  }

  /** Means of the columns of values, into {@code out} from its begin. */
  void plain(int from, int count, float[] out) {
    System.arraycopy(means, from - rowBegin, out, 0, count);
  }

  /**
   * Weights of values: mean of the column times sqrt(meanSquare + x^2).
   *
   * @return their sum
   */
  float weigh(float[] values, int from, int count, float meanSquare, float[] out) {
    float sum = 0;
    for (int l = 0; l < count; l++) {
      float x = values[from + l];
      out[l] = means[from - rowBegin + l] * (float) Math.sqrt(meanSquare + x * x);
      sum += out[l];
    }
    return sum;
  }
}
