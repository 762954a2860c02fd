package org.sparkao.jobs.evaluate.run;

import java.util.Set;
import org.sparkao.datasets.task.Metric;
import org.sparkao.datasets.task.TaskScore;

/** What metrics are called in the tables. */
final class MetricNames {
  private static final String NONE = "none";
  private static final Set<Metric> SHARES =
      Set.of(Metric.ACC, Metric.ACC_NORM, Metric.ACC_BYTES, Metric.EXACT_MATCH);

  private MetricNames() {}

  /** {@code acc}; with its filter where there is one: {@code exact_match,strict-match}. */
  static String of(TaskScore score) {
    return score.filter().equals(NONE) ? score.metric().metricName() : score.name();
  }

  /**
   * The harness's key of a name in the tables: {@code acc,none}.
   *
   * @param suffix stands behind the metric, before the filter
   */
  static String key(String name, String suffix) {
    int comma = name.indexOf(',');
    return comma < 0
        ? name + suffix + "," + NONE
        : name.substring(0, comma) + suffix + name.substring(comma);
  }

  /** Whether the metric is the share of items that are right. */
  static boolean isShare(Metric metric) {
    return SHARES.contains(metric);
  }
}
