package org.sparkao.jobs.evaluate.run;

import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.DoubleStream;
import org.sparkao.datasets.task.EvaluationTask;
import org.sparkao.datasets.task.ScoredItem;
import org.sparkao.datasets.task.TaskScore;
import org.sparkao.jobs.evaluate.plan.EvaluatePlan;
import org.sparkao.jobs.evaluate.plan.PlannedItem;
import org.sparkao.jobs.table.EvalItemRow;
import org.sparkao.jobs.table.EvalResultRow;

/** Items to metrics. */
final class Results {
  private Results() {}

  /**
   * Every metric of every task, of its categories and of its groups, named {@code TASK_CATEGORY}
   * and {@code TASK_GROUP} as in the harness; and the means over items of how they agree with a
   * base.
   *
   * @param rows one for each item of the plan, in its order
   */
  static List<EvalResultRow> of(EvaluatePlan plan, List<EvalItemRow> rows, String runId) {
    Map<String, List<PlannedItem>> byTask = plan.itemsByTask();
    List<EvalResultRow> results = new ArrayList<>();
    Instant now = Instant.now();
    for (EvaluationTask task : plan.tasks()) {
      parts(task, byTask.get(task.name()))
          .forEach(
              (name, items) -> {
                List<ScoredItem> scored =
                    items.stream()
                        .map(i -> ItemRows.scored(i, rows.get(i.work().position()).outcome()))
                        .toList();
                for (TaskScore score : task.scores()) {
                  results.add(
                      new EvalResultRow(
                          runId,
                          name,
                          task.version(),
                          MetricNames.of(score),
                          score.score(scored),
                          StandardErrors.of(score, scored),
                          scored.size(),
                          now));
                }
                List<EvalItemRow> of =
                    items.stream().map(item -> rows.get(item.work().position())).toList();
                for (String metric : MetricNames.AGREEMENT) {
                  double[] values = values(of, metric);
                  if (values.length > 0) {
                    results.add(
                        new EvalResultRow(
                            runId,
                            name,
                            task.version(),
                            metric,
                            DoubleStream.of(values).average().orElseThrow(),
                            StandardErrors.ofMean(values),
                            values.length,
                            now));
                  }
                }
              });
    }
    return results;
  }

  /** The values of a metric that rows may have. */
  private static double[] values(List<EvalItemRow> rows, String metric) {
    return rows.stream()
        .flatMap(row -> row.scores().metrics().stream())
        .filter(value -> value.name().equals(metric))
        .mapToDouble(EvalItemRow.Value::value)
        .toArray();
  }

  /** The whole task, its categories, its groups: those that have items. */
  private static Map<String, List<PlannedItem>> parts(
      EvaluationTask task, List<PlannedItem> items) {
    Map<String, List<PlannedItem>> parts = new LinkedHashMap<>();
    parts.put(task.name(), items);
    Map<String, List<PlannedItem>> groups =
        items.stream()
            .collect(Collectors.groupingBy(PlannedItem::group, TreeMap::new, Collectors.toList()));
    groups.remove("");
    task.categories()
        .forEach(
            (category, members) -> {
              List<PlannedItem> all =
                  items.stream().filter(item -> members.contains(item.group())).toList();
              if (!all.isEmpty()) {
                parts.put(task.name() + "_" + category, all);
              }
            });
    groups.forEach((group, all) -> parts.put(task.name() + "_" + group, all));
    return parts;
  }
}
