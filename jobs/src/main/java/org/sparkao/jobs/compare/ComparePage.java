package org.sparkao.jobs.compare;

import java.awt.Color;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.sparkao.jobs.compare.Comparison.Line;
import org.sparkao.jobs.job.TextTable;
import org.sparkao.jobs.job.Texts;
import org.sparkao.jobs.page.ChartStyle;
import org.sparkao.jobs.page.ForestPlot;
import org.sparkao.jobs.page.Histogram;
import org.sparkao.jobs.page.HtmlPage;
import org.sparkao.jobs.table.AskedItem;
import org.sparkao.jobs.table.EvalItemRow;
import org.sparkao.jobs.table.EvalResultRow;

/** A comparison as one page of HTML that needs nothing else. */
final class ComparePage {
  private static final int CHANGED = 20;
  private static final int HISTOGRAMS = 6;
  private static final int LETTERS = 160;
  private static final String SHARES = "points of percent, B - A";
  private static final String OTHERS = "percent of A's value, B - A";

  private ComparePage() {}

  /**
   * The page.
   *
   * @param sources the runs' checkpoints, by the run's name: A, then B
   */
  static String render(Comparison comparison, Map<String, String> sources) {
    List<String> names = List.copyOf(sources.keySet());
    List<PairedItems> paired =
        comparison.tasks().stream().filter(items -> !items.a().isEmpty()).toList();
    List<String> titles = new ArrayList<>();
    List<String> histograms = new ArrayList<>();
    paired.stream()
        .sorted(Comparator.comparingInt((PairedItems items) -> -items.a().size()))
        .limit(HISTOGRAMS)
        .forEach(
            items ->
                differences(items, histograms.size())
                    .ifPresent(
                        svg -> {
                          titles.add(items.task());
                          histograms.add(svg);
                        }));
    List<ChangedItem> changed =
        paired.stream()
            .flatMap(items -> items.changes().stream())
            .filter(item -> item.difference() != 0 || item.flipped())
            .sorted(
                Comparator.comparing((ChangedItem item) -> !item.flipped())
                    .thenComparingDouble(item -> -Math.abs(item.difference())))
            .limit(CHANGED)
            .toList();
    return new HtmlPage("comparison.ftlh")
        .put("title", names.get(names.size() - 1) + " against " + names.get(0))
        .put("subtitle", "B - A, item by item")
        .put("differences", CompareText.table(comparison))
        .put("notes", CompareText.notes(comparison))
        .putPictures("forests", forests(comparison))
        .put("histogramTitles", titles)
        .putPictures("histograms", histograms)
        .put("changed", changed(changed))
        .put("runs", runs(paired.get(0), sources))
        .render();
  }

  private static List<String> forests(Comparison comparison) {
    Map<String, List<ForestPlot.Row>> byUnit = new LinkedHashMap<>();
    for (Line line : comparison.lines()) {
      PairedBootstrap values = line.bootstrap();
      boolean share = EvalResultRow.isShare(line.metric());
      double times = share ? 100 : 100 / Math.abs(values.a());
      if (Double.isFinite(times * values.low()) && Double.isFinite(times * values.high())) {
        byUnit
            .computeIfAbsent(share ? SHARES : OTHERS, unit -> new ArrayList<>())
            .add(
                new ForestPlot.Row(
                    line.items().task() + " " + line.metric(),
                    times * values.difference(),
                    times * values.low(),
                    times * values.high(),
                    Texts.signed(times * values.difference(), 2),
                    color(line)));
      }
    }
    List<String> pictures = new ArrayList<>();
    byUnit.forEach(
        (unit, rows) ->
            pictures.add(
                new ForestPlot(rows, OptionalDouble.of(0), unit, ForestPlot.Bounds.NONE)
                    .paint("forest" + pictures.size(), "Differences, 95 % intervals, " + unit)));
    return pictures;
  }

  /** Grey where the interval holds no difference; else blue for better, orange for worse. */
  private static Color color(Line line) {
    PairedBootstrap values = line.bootstrap();
    if (values.low() <= 0 && values.high() >= 0) {
      return ChartStyle.GREY;
    }
    boolean more = values.low() > 0;
    return more == Statistic.higherIsBetter(line.metric()) ? ChartStyle.BLUE : ChartStyle.ORANGE;
  }

  private static Optional<String> differences(PairedItems items, int number) {
    List<Double> differences = items.changes().stream().map(ChangedItem::difference).toList();
    return differences.isEmpty()
        ? Optional.empty()
        : Optional.of(
            new Histogram(
                    List.of(new Histogram.Part("items", differences, ChartStyle.BLUE)),
                    "log-likelihood a token, nats, B - A")
                .paint("paired" + number, "Paired differences of " + items.task()));
  }

  private static TextTable changed(List<ChangedItem> items) {
    TextTable table =
        TextTable.of(
            TextTable.text("task"),
            TextTable.number("item"),
            TextTable.number("A"),
            TextTable.number("B"),
            TextTable.number("B - A"),
            TextTable.text("A right"),
            TextTable.text("B right"),
            TextTable.text("asked"),
            TextTable.text("right answer"),
            TextTable.text("A's answer"),
            TextTable.text("B's answer"),
            TextTable.text("item hash"));
    for (ChangedItem item : items) {
      AskedItem asked = item.a().item().asked();
      table.row(
          item.a().key().task(),
          Texts.count(item.a().item().index()),
          Texts.decimals(item.a().outcome().likeliest().orElseThrow(), 3),
          Texts.decimals(item.b().outcome().likeliest().orElseThrow(), 3),
          Texts.signed(item.difference(), 3),
          right(item.a()),
          right(item.b()),
          asked.question().map(text -> Texts.end(Texts.line(text), LETTERS)).orElse("-"),
          asked.target().map(text -> Texts.end(Texts.line(text), LETTERS)).orElse("-"),
          answer(item.a()),
          answer(item.b()),
          Texts.shortHash(item.a().item().hash()));
    }
    return table;
  }

  private static String answer(EvalItemRow row) {
    return row.answer().map(text -> Texts.beginning(Texts.line(text), LETTERS)).orElse("-");
  }

  private static String right(EvalItemRow row) {
    return row.scores().correct().isEmpty()
        ? "-"
        : row.scores().correct().getAsLong() == 1 ? "yes" : "no";
  }

  private static TextTable runs(PairedItems items, Map<String, String> sources) {
    TextTable table =
        TextTable.of(
            TextTable.text(""),
            TextTable.text("run"),
            TextTable.text("checkpoint"),
            TextTable.text("checkpoint hash"),
            TextTable.text("numerics"),
            TextTable.text("device"));
    for (EvalItemRow row : List.of(items.a().get(0), items.b().get(0))) {
      table.row(
          row == items.a().get(0) ? "A" : "B",
          row.runId(),
          sources.get(row.runId()),
          Texts.shortHash(row.key().checkpointHash()),
          row.key().numerics(),
          row.key().device());
    }
    return table;
  }
}
