package org.sparkao.jobs.describe;

import java.awt.Color;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.LongPredicate;
import org.sparkao.jobs.describe.Evaluation.TaskItems;
import org.sparkao.jobs.job.Texts;
import org.sparkao.jobs.page.ChartStyle;
import org.sparkao.jobs.page.ForestPlot;
import org.sparkao.jobs.page.Histogram;
import org.sparkao.jobs.table.EvalResultRow;

/** The pictures of an evaluation. */
final class EvaluationPictures {
  private static final String SHARES = "percent of items";

  private EvaluationPictures() {}

  /** Scores with their intervals: one picture for all shares, one for each other metric. */
  static List<String> scores(Evaluation evaluation) {
    Map<String, List<ForestPlot.Row>> byUnit = new LinkedHashMap<>();
    for (EvalResultRow row : evaluation.results()) {
      if (Double.isFinite(Interval.low(row)) && Double.isFinite(Interval.high(row))) {
        boolean share = EvalResultRow.isShare(row.metric());
        byUnit
            .computeIfAbsent(share ? SHARES : row.metric(), unit -> new ArrayList<>())
            .add(share ? row(row, 100, 2) : row(row, 1, 4));
      }
    }
    List<String> pictures = new ArrayList<>();
    byUnit.forEach(
        (unit, rows) ->
            pictures.add(
                new ForestPlot(
                        rows,
                        OptionalDouble.empty(),
                        unit,
                        unit.equals(SHARES) ? ForestPlot.Bounds.PERCENT : ForestPlot.Bounds.NONE)
                    .paint(
                        "scores" + pictures.size(), "Scores and their 95 % intervals, " + unit)));
    return pictures;
  }

  private static ForestPlot.Row row(EvalResultRow row, double times, int decimals) {
    OptionalDouble error = row.spread().standardError();
    return new ForestPlot.Row(
        row.task() + " " + row.metric(),
        times * row.value(),
        times * Interval.low(row),
        times * Interval.high(row),
        Texts.decimals(times * row.value(), decimals)
            + (error.isPresent()
                ? " \u00b1 " + Texts.decimals(times * error.getAsDouble(), decimals)
                : ""),
        ChartStyle.BLUE);
  }

  /** How likely the items of a task were; empty where text was generated. */
  static Optional<String> likelihoods(TaskItems task, int number) {
    List<Histogram.Part> parts = new ArrayList<>();
    boolean judged = task.items().stream().anyMatch(item -> item.scores().correct().isPresent());
    if (judged) {
      parts.add(part(task, "right", right -> right == 1, ChartStyle.BLUE));
      parts.add(part(task, "wrong", right -> right == 0, ChartStyle.ORANGE));
    } else {
      parts.add(part(task, "items", right -> true, ChartStyle.BLUE));
    }
    parts.removeIf(part -> part.values().isEmpty());
    return parts.isEmpty()
        ? Optional.empty()
        : Optional.of(
            new Histogram(parts, "log-likelihood a token, nats")
                .paint("likelihoods" + number, "Log-likelihood a token of " + task.task()));
  }

  private static Histogram.Part part(
      TaskItems task, String name, LongPredicate right, Color color) {
    return new Histogram.Part(
        name,
        task.items().stream()
            .filter(item -> right.test(item.scores().correct().orElse(1)))
            .flatMapToDouble(item -> item.outcome().likeliest().stream())
            .filter(Double::isFinite)
            .boxed()
            .toList(),
        color);
  }
}
