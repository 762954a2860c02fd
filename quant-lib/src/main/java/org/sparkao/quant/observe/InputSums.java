package org.sparkao.quant.observe;

import java.util.Objects;
import java.util.Optional;

/**
 * What was seen of the input x [tokens, K] of a linear layer. Minima, maxima and counts merge in
 * any order; the other sums are rounded, and are merged in the order of {@link PairwiseSum}. Arrays
 * are the record's own, and {@link #merge} reuses them.
 *
 * @param tokens rows that were seen
 * @param routed of them, those that a router sent: all, unless an expert was shown others too
 * @param min [K], of every channel
 * @param max [K]
 * @param absolute [K], sum of abs(x)
 * @param square [K], sum of x^2
 * @param magnitudes how often each abs(x) occurs, all channels together
 * @param tokenAmax how often each largest magnitude of a token occurs
 * @param crossProducts [K, K], the sum of x x^T, where it was asked for
 */
public record InputSums(
    long tokens,
    long routed,
    float[] min,
    float[] max,
    double[] absolute,
    double[] square,
    MagnitudeHistogram magnitudes,
    MagnitudeHistogram tokenAmax,
    Optional<float[]> crossProducts) {
  /** All parts are given, of one K. */
  public InputSums {
    Objects.requireNonNull(magnitudes, "magnitudes");
    Objects.requireNonNull(tokenAmax, "tokenAmax");
    int k = min.length;
    long all = (long) k * k;
    if (max.length != k
        || absolute.length != k
        || square.length != k
        || crossProducts.map(h -> h.length != all).orElse(false)) {
      throw new IllegalArgumentException("statistics of different numbers of channels");
    }
  }

  /** Channels, K. */
  public int columns() {
    return min.length;
  }

  /** What sums are divided by to be means: tokens, or 1 where there were none. */
  public double count() {
    return Math.max(1, tokens);
  }

  /** The mean of x^2 of every channel, [K]. */
  public float[] meanSquare() {
    float[] means = new float[columns()];
    for (int i = 0; i < means.length; i++) {
      means[i] = (float) (square[i] / count());
    }
    return means;
  }

  /** Element [i, j] of the mean of x x^T, where it was asked for. */
  public float meanProduct(int i, int j) {
    return (float) (crossProducts.orElseThrow()[i * columns() + j] / count());
  }

  /** The sums of both, in the arrays of this; {@code right} comes later in the fixed order. */
  public InputSums merge(InputSums right) {
    if (right.columns() != columns()) {
      throw new IllegalArgumentException(columns() + " and " + right.columns() + " channels");
    }
    for (int i = 0; i < min.length; i++) {
      min[i] = Math.min(min[i], right.min[i]);
      max[i] = Math.max(max[i], right.max[i]);
      absolute[i] += right.absolute[i];
      square[i] += right.square[i];
    }
    magnitudes.merge(right.magnitudes);
    tokenAmax.merge(right.tokenAmax);
    crossProducts.ifPresent(sum -> add(sum, right.crossProducts.orElseThrow()));
    return new InputSums(
        tokens + right.tokens,
        routed + right.routed,
        min,
        max,
        absolute,
        square,
        magnitudes,
        tokenAmax,
        crossProducts);
  }

  private static void add(float[] sum, float[] right) {
    for (int i = 0; i < sum.length; i++) {
      sum[i] += right[i];
    }
  }
}
