package org.sparkao.jobs.evaluate.run;

import java.util.List;
import java.util.Set;
import org.sparkao.datasets.task.Metric;
import org.sparkao.datasets.task.TaskScore;
import org.sparkao.jobs.evaluate.logits.Agreement;
import org.sparkao.jobs.table.EvalItemRow.Value;

/** What metrics are called in the tables. */
public final class MetricNames {
  private static final String NONE = "none";
  private static final Set<Metric> SHARES =
      Set.of(Metric.ACC, Metric.ACC_NORM, Metric.ACC_BYTES, Metric.EXACT_MATCH);

  private static final String KL_DIVERGENCE = "kl_divergence";
  private static final String TOP1_AGREEMENT = "top1_agreement";

  /** Metrics of an item against a base; they belong to no task. */
  static final List<String> AGREEMENT = List.of(KL_DIVERGENCE, TOP1_AGREEMENT);

  private MetricNames() {}

  /** What is stored of an agreement; nothing of null. */
  static List<Value> of(Agreement agreement) {
    return agreement == null
        ? List.of()
        : List.of(
            new Value(KL_DIVERGENCE, agreement.klDivergence()),
            new Value(TOP1_AGREEMENT, agreement.top1()));
  }

  /** {@code acc}; with its filter where there is one: {@code exact_match,strict-match}. */
  public static String of(TaskScore score) {
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
