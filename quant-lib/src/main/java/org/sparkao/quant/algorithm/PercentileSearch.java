package org.sparkao.quant.algorithm;

import java.util.Arrays;

/**
 * The range that keeps a given share of the values: the smallest magnitude that at least {@code
 * percent} of the magnitudes do not exceed (nearest rank), on both sides. Groups of fewer than 1 /
 * (1 - share) values keep their range, so at 99.99 % it is rows and blocks that are cut.
 */
final class PercentileSearch implements RangeSearch {
  static final double DEFAULT_PERCENT = 99.99;

  private final double percent;
  private float[] magnitudes = new float[0];

  PercentileSearch(double percent) {
    if (!(percent > 0 && percent <= 100)) {
      throw new IllegalArgumentException("percentile " + percent + " is not above 0 and up to 100");
    }
    this.percent = percent;
  }

  @Override
  public void search(float[] values, int count, GroupRange found) {
    int rank = (int) Math.ceil(percent / 100 * count);
    if (rank >= count) {
      return;
    }
    if (magnitudes.length < count) {
      magnitudes = new float[count];
    }
    for (int i = 0; i < count; i++) {
      magnitudes[i] = Math.abs(values[i]);
    }
    Arrays.sort(magnitudes, 0, count);
    found.clip(magnitudes[Math.max(rank, 1) - 1]);
  }
}
