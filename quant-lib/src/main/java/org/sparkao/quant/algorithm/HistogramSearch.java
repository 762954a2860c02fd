package org.sparkao.quant.algorithm;

import org.sparkao.quant.observe.MagnitudeHistogram;

/**
 * The cut-off of least squared error for evenly spaced codes, estimated over a histogram of
 * magnitudes, then kept only if the true squared error is not larger than that of the full range.
 *
 * <p>Candidates are the edges of the bins, up to four octaves below the largest magnitude.
 */
final class HistogramSearch implements RangeSearch {
  private static final int BINS_PER_OCTAVE = 32;

  private final ScaleRule rule;
  private final int steps;
  private final boolean symmetric;
  private final GroupError error;
  private final MagnitudeHistogram histogram = new MagnitudeHistogram(BINS_PER_OCTAVE);
  private final GroupScale scale = new GroupScale();

  HistogramSearch(ScaleRule rule, CodeRule codes, GroupError squaredError, boolean symmetric) {
    this.rule = rule;
    this.steps = (int) (codes.largest() - codes.smallest());
    this.error = squaredError;
    this.symmetric = symmetric;
  }

  @Override
  public void search(float[] values, int count, GroupRange found) {
    histogram.clear();
    for (int i = 0; i < count; i++) {
      histogram.add(values[i]);
    }
    float low = found.min;
    float high = found.max;
    double sides = symmetric ? 2 : sides(low, high);
    float cutOff = histogram.leastSquaresCutOff(steps / sides);
    if (!(cutOff < found.amax())) {
      return;
    }
    double ofFullRange = squaredError(values, count, found);
    found.clip(cutOff);
    if (squaredError(values, count, found) > ofFullRange) {
      found.min = low;
      found.max = high;
    }
  }

  /** The width of a range that holds zero, in units of its larger side: 1 to 2. */
  private static double sides(float low, float high) {
    double width = Math.max((double) high, 0) - Math.min((double) low, 0);
    return width / Math.max(Math.abs((double) low), Math.abs((double) high));
  }

  private double squaredError(float[] values, int count, GroupRange range) {
    rule.choose(range.min, range.max, scale);
    return error.measure(values, count, scale);
  }
}
