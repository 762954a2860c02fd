package org.sparkao.quant.algorithm;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.sparkao.quant.format.WeightType;

/**
 * Searches the range of least error on a line: both ends times p, p falling from its first value in
 * even steps; the first strict minimum of the error as the reference sees it wins, unless it is in
 * truth worse than the full range, which then stays.
 *
 * <p>Source: llm-compressor {@code observers/mse_quant.py} and {@code observers/imatrix.py}. The
 * reference stops when no group of the whole tensor has improved for some steps; {@link
 * #searchTogether} does so too. {@link #search} takes every step instead, because a group must not
 * depend on which others are searched beside it: with thousands of groups the two agree.
 */
final class ShrinkSearch implements RangeSearch {

  /**
   * The candidates and the error.
   *
   * @param expand first factor
   * @param steps how many candidates
   * @param grid the reciprocal of a step, as a share of the first factor
   * @param norm power of the error
   * @param patience steps in a row without improvement that end a search of groups together
   */
  record Line(double expand, int steps, double grid, double norm, int patience) {
    /** 1.00 to 0.81: {@code memoryless_mse}. */
    static final Line MEMORYLESS_MSE = new Line(1, 20, 100, 2.4, 5);

    /** 1.8 to 0.8 in 111 steps: {@code nvfp4_expanded_mse}. */
    static final Line NVFP4_EXPANDED = new Line(1.8, 111, 200, 2.4, 1000);

    /** 1.00 to 0.05: {@code imatrix_mse}. */
    static final Line IMPORTANCE = new Line(1, 20, 20, 3, 5);
  }

  private final ScaleRule rule;
  private final WeightType type;
  private final Line line;
  private final GroupError error;
  private final GroupScale scale = new GroupScale();

  ShrinkSearch(ScaleRule rule, GroupDequantizer dequantizer, WeightType type, Line line) {
    this.rule = rule;
    this.type = type;
    this.line = line;
    this.error = new GroupError(type, dequantizer, line.norm());
  }

  @Override
  public void search(float[] values, int count, GroupRange found) {
    float low = scaled(found.min);
    float high = scaled(found.max);
    int best = 0;
    double least = Double.POSITIVE_INFINITY;
    for (int step = 0; step < line.steps(); step++) {
      chooseScale(low, high, step);
      double candidate = error.measureLikeReference(values, count, scale);
      if (candidate < least) {
        least = candidate;
        best = step;
      }
    }
    rule.choose(found.min, found.max, scale);
    double ofFullRange = error.measure(values, count, scale);
    chooseScale(low, high, best);
    if (error.measure(values, count, scale) <= ofFullRange) {
      found.min = shrunk(low, best);
      found.max = shrunk(high, best);
    }
  }

  /**
   * Searches with the error of value i counting {@code weights[i]} times; never worse than the full
   * range by that measure where the line begins with it.
   */
  void searchWeighted(float[] values, float[] weights, int count, GroupRange found) {
    float low = scaled(found.min);
    float high = scaled(found.max);
    double least = Double.POSITIVE_INFINITY;
    for (int step = 0; step < line.steps(); step++) {
      chooseScale(low, high, step);
      double candidate = error.measureWeighted(values, weights, count, scale);
      if (candidate < least) {
        least = candidate;
        found.min = shrunk(low, step);
        found.max = shrunk(high, step);
      }
    }
  }

  /**
   * Searches the groups of a tensor with the patience of the reference.
   *
   * @param groups the values of each group
   * @param weights how much each value of each group counts; empty when all count the same
   * @param found the range of each group, narrowed
   */
  void searchTogether(float[][] groups, Optional<float[][]> weights, List<GroupRange> found) {
    List<GroupRange> full =
        found.stream().map(range -> new GroupRange(scaled(range.min), scaled(range.max))).toList();
    double[] least = new double[groups.length];
    Arrays.fill(least, Double.POSITIVE_INFINITY);
    int idle = 0;
    for (int step = 0; step < line.steps() && idle < line.patience(); step++) {
      idle++;
      for (int g = 0; g < groups.length; g++) {
        chooseScale(full.get(g).min, full.get(g).max, step);
        double candidate =
            weights.isPresent()
                ? error.measureWeighted(groups[g], weights.get()[g], groups[g].length, scale)
                : error.measureLikeReference(groups[g], groups[g].length, scale);
        if (candidate < least[g]) {
          least[g] = candidate;
          found.get(g).min = shrunk(full.get(g).min, step);
          found.get(g).max = shrunk(full.get(g).max, step);
          idle = 0;
        }
      }
    }
  }

  private float scaled(float bound) {
    return type.round(bound * (float) line.expand());
  }

  private void chooseScale(float low, float high, int step) {
    rule.choose(shrunk(low, step), shrunk(high, step), scale);
  }

  private float shrunk(float bound, int step) {
    return type.round(bound * (float) (1 - step / line.grid()));
  }
}
