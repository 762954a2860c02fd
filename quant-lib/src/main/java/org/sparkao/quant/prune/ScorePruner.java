package org.sparkao.quant.prune;

import java.util.Arrays;

/**
 * The least scores of a row become zero, each abs(w) times a number of its column: magnitudes, and
 * Wanda (Sun et al. 2023, equation 1: abs(w) times the norm of the inputs), whose comparison group
 * is the row too. Of equal scores the first go.
 */
public final class ScorePruner implements Pruner {
  private final SparsityPattern pattern;
  private final float[] columns;
  private final float[] scores;
  private final float[] sorted;

  private ScorePruner(SparsityPattern pattern, float[] columns) {
    this.pattern = pattern;
    this.columns = columns;
    this.scores = new float[columns.length];
    this.sorted = new float[columns.length];
  }

  /** By magnitude, rows of {@code k} weights. */
  public static ScorePruner magnitude(SparsityPattern pattern, int k) {
    float[] ones = new float[k];
    Arrays.fill(ones, 1);
    return new ScorePruner(pattern, ones);
  }

  /**
   * Wanda.
   *
   * @param meanSquare of the input of each column, or any multiple of all
   */
  public static ScorePruner wanda(SparsityPattern pattern, float[] meanSquare) {
    float[] norms = new float[meanSquare.length];
    for (int j = 0; j < norms.length; j++) {
      norms[j] = (float) Math.sqrt(meanSquare[j]);
    }
    return new ScorePruner(pattern, norms);
  }

  @Override
  public boolean needsWholeWeight() {
    return false;
  }

  @Override
  public void prune(float[] weights, int rows) {
    int k = columns.length;
    int group = pattern.grouped() ? pattern.group() : k;
    for (int row = 0; row < rows; row++) {
      for (int j = 0; j < k; j++) {
        scores[j] = Math.abs(weights[row * k + j]) * columns[j];
      }
      for (int begin = 0; begin < k; begin += group) {
        zero(weights, row * k, begin, begin + group);
      }
    }
  }

  private void zero(float[] weights, int row, int begin, int end) {
    int zeros = pattern.zerosOf(end - begin);
    if (zeros == 0) {
      return;
    }
    System.arraycopy(scores, begin, sorted, begin, end - begin);
    Arrays.sort(sorted, begin, end);
    float most = sorted[begin + zeros - 1];
    int below = begin;
    while (sorted[below] < most) {
      below++;
    }
    int equal = begin + zeros - below;
    for (int j = begin; j < end; j++) {
      if (scores[j] < most || scores[j] == most && equal-- > 0) {
        weights[row + j] = 0;
      }
    }
  }
}
