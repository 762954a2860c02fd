package org.sparkao.jobs.compare;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.sparkao.jobs.table.EvalItemRow;
import org.sparkao.jobs.table.EvalResultRow;

/**
 * Two runs side by side.
 *
 * @param tasks what they have in common
 * @param lines one a metric of a task
 * @param onlyA tasks that run B lacks
 * @param onlyB tasks that run A lacks
 */
record Comparison(
    List<PairedItems> tasks, List<Line> lines, List<String> onlyA, List<String> onlyB) {
  Comparison {
    tasks = List.copyOf(tasks);
    lines = List.copyOf(lines);
    onlyA = List.copyOf(onlyA);
    onlyB = List.copyOf(onlyB);
  }

  /**
   * A metric of a task.
   *
   * @param items pairs
   * @param metric name
   * @param bootstrap values, difference and interval
   * @param flips of items, where a metric says right or wrong
   */
  record Line(
      PairedItems items, String metric, PairedBootstrap bootstrap, Optional<McNemar> flips) {}

  /** Compares the rows of two runs. */
  static Comparison of(List<EvalItemRow> a, List<EvalItemRow> b) {
    Map<String, List<EvalItemRow>> ofA = byTask(a);
    Map<String, List<EvalItemRow>> ofB = byTask(b);
    List<PairedItems> tasks = new ArrayList<>();
    List<Line> lines = new ArrayList<>();
    for (Map.Entry<String, List<EvalItemRow>> task : ofA.entrySet()) {
      if (!ofB.containsKey(task.getKey())) {
        continue;
      }
      PairedItems items = PairedItems.of(task.getKey(), task.getValue(), ofB.get(task.getKey()));
      tasks.add(items);
      if (!items.a().isEmpty()) {
        items.metrics().forEach(metric -> lines.add(line(items, metric)));
      }
    }
    return new Comparison(tasks, lines, missing(ofA, ofB), missing(ofB, ofA));
  }

  private static Line line(PairedItems items, String metric) {
    return new Line(
        items,
        metric,
        PairedBootstrap.of(Statistic.of(metric), items.a(), items.b()),
        EvalResultRow.isShare(metric) ? Optional.of(items.flips(metric)) : Optional.empty());
  }

  private static List<String> missing(
      Map<String, List<EvalItemRow>> from, Map<String, List<EvalItemRow>> in) {
    return from.keySet().stream().filter(task -> !in.containsKey(task)).toList();
  }

  private static Map<String, List<EvalItemRow>> byTask(List<EvalItemRow> rows) {
    Map<String, List<EvalItemRow>> byTask = new LinkedHashMap<>();
    rows.forEach(
        row -> byTask.computeIfAbsent(row.key().task(), task -> new ArrayList<>()).add(row));
    return byTask;
  }
}
