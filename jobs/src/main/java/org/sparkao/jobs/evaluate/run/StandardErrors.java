package org.sparkao.jobs.evaluate.run;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.SplittableRandom;
import org.sparkao.datasets.task.ScoredItem;
import org.sparkao.datasets.task.TaskScore;
import org.sparkao.jobs.table.EvalResultRow.Spread;

/**
 * How sure a metric is, as lm-evaluation-harness computes it: of a share or a mean the sample
 * deviation over the root of the items; of anything else the sample deviation over resamples with
 * replacement.
 */
final class StandardErrors {
  /** Of the resamples. */
  static final long SEED = 1234;

  /** How many resamples. */
  static final int RESAMPLES = 1000;

  private StandardErrors() {}

  static Spread of(TaskScore metric, List<ScoredItem> items) {
    if (items.size() < 2) {
      return new Spread(OptionalDouble.empty(), OptionalLong.empty());
    }
    if (MetricNames.isShare(metric.metric())) {
      return ofMean(items.stream().mapToDouble(item -> metric.score(List.of(item))).toArray());
    }
    return new Spread(
        OptionalDouble.of(deviation(resampled(metric, items))), OptionalLong.of(SEED));
  }

  /** Of the mean of items' values. */
  static Spread ofMean(double[] values) {
    return new Spread(
        values.length < 2
            ? OptionalDouble.empty()
            : OptionalDouble.of(deviation(values) / Math.sqrt(values.length)),
        OptionalLong.empty());
  }

  private static double[] resampled(TaskScore metric, List<ScoredItem> items) {
    SplittableRandom random = new SplittableRandom(SEED);
    double[] values = new double[RESAMPLES];
    List<ScoredItem> sample = new ArrayList<>(items);
    for (int i = 0; i < RESAMPLES; i++) {
      for (int j = 0; j < sample.size(); j++) {
        sample.set(j, items.get(random.nextInt(items.size())));
      }
      values[i] = metric.score(sample);
    }
    return values;
  }

  /** With one less than the count below the sum of squares. */
  private static double deviation(double[] values) {
    double sum = 0;
    for (double value : values) {
      sum += value;
    }
    double mean = sum / values.length;
    double squares = 0;
    for (double value : values) {
      squares += (value - mean) * (value - mean);
    }
    return Math.sqrt(squares / (values.length - 1));
  }
}
