package org.sparkao.jobs.evaluate.run;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.sparkao.datasets.task.EvaluationTask;
import org.sparkao.datasets.task.Metric;
import org.sparkao.datasets.task.ScoredItem;
import org.sparkao.jobs.evaluate.plan.EvaluatePlan;
import org.sparkao.jobs.evaluate.plan.PlannedItem;
import org.sparkao.jobs.table.EvalItemRow;
import org.sparkao.jobs.table.EvalResultRow;

/** Items to metrics. */
final class Results {
  private Results() {}

  /**
   * Every metric of every task.
   *
   * @param rows one for each item of the plan, in its order
   */
  static List<EvalResultRow> of(EvaluatePlan plan, List<EvalItemRow> rows, String runId) {
    Map<String, List<PlannedItem>> byTask = plan.itemsByTask();
    List<EvalResultRow> results = new ArrayList<>();
    Instant now = Instant.now();
    for (EvaluationTask task : plan.tasks()) {
      List<ScoredItem> items =
          byTask.get(task.name()).stream()
              .map(item -> ItemRows.scored(item, rows.get(item.work().position()).outcome()))
              .toList();
      for (Metric metric : task.metrics()) {
        results.add(
            new EvalResultRow(
                runId,
                task.name(),
                task.version(),
                metric.metricName(),
                metric.score(items),
                StandardErrors.of(metric, items),
                items.size(),
                now));
      }
    }
    return results;
  }
}
