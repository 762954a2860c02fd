package org.sparkao.jobs.compare;

import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.sparkao.jobs.table.EvalItemRow;

/**
 * Difference B - A of a metric and its percentile interval: items are drawn with replacement, both
 * runs' outcomes of an item together (Efron and Tibshirani 1993, chapter 13).
 *
 * @param a the metric of run A
 * @param b the metric of run B
 * @param low end of the 95 % interval of b - a
 * @param high the other end
 * @param standardError deviation of the resampled differences
 */
record PairedBootstrap(double a, double b, double low, double high, double standardError) {
  /** Of the resamples. */
  static final long SEED = 1234;

  /** How many resamples. */
  static final int RESAMPLES = 2000;

  private static final double TAIL = 0.025;

  static PairedBootstrap of(Statistic statistic, List<EvalItemRow> a, List<EvalItemRow> b) {
    int items = a.size();
    double[][] sums = {
      a.stream().mapToDouble(statistic.numerator()).toArray(),
      a.stream().mapToDouble(statistic.denominator()).toArray(),
      b.stream().mapToDouble(statistic.numerator()).toArray(),
      b.stream().mapToDouble(statistic.denominator()).toArray()
    };
    int[] all = new int[items];
    for (int i = 0; i < items; i++) {
      all[i] = i;
    }
    SplittableRandom random = new SplittableRandom(SEED);
    double[] differences = new double[RESAMPLES];
    int[] drawn = new int[items];
    for (int i = 0; i < RESAMPLES; i++) {
      for (int j = 0; j < items; j++) {
        drawn[j] = random.nextInt(items);
      }
      differences[i] = value(statistic, sums, 2, drawn) - value(statistic, sums, 0, drawn);
    }
    Arrays.sort(differences);
    return new PairedBootstrap(
        value(statistic, sums, 0, all),
        value(statistic, sums, 2, all),
        differences[(int) (TAIL * RESAMPLES)],
        differences[RESAMPLES - 1 - (int) (TAIL * RESAMPLES)],
        deviation(differences));
  }

  double difference() {
    return b - a;
  }

  private static double value(Statistic statistic, double[][] sums, int run, int[] items) {
    double numerator = 0;
    double denominator = 0;
    for (int item : items) {
      numerator += sums[run][item];
      denominator += sums[run + 1][item];
    }
    return statistic.function().applyAsDouble(numerator / denominator);
  }

  private static double deviation(double[] values) {
    double mean = Arrays.stream(values).sum() / values.length;
    double squares = Arrays.stream(values).map(value -> (value - mean) * (value - mean)).sum();
    return Math.sqrt(squares / (values.length - 1));
  }
}
