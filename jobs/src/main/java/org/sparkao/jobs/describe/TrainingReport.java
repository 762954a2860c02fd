package org.sparkao.jobs.describe;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.Styler;
import org.knowm.xchart.style.markers.SeriesMarkers;
import org.sparkao.jobs.job.TextTable;
import org.sparkao.jobs.job.Texts;
import org.sparkao.jobs.page.Card;
import org.sparkao.jobs.page.ChartStyle;
import org.sparkao.jobs.page.HtmlPage;
import org.sparkao.jobs.page.SvgPicture;
import org.sparkao.jobs.table.RunRow;
import org.sparkao.jobs.table.TrainStepRow;

/**
 * A training for a terminal, and as one page of HTML that needs nothing else.
 *
 * @param run which
 * @param steps of all blocks, by block and step; none before the run is done
 */
record TrainingReport(RunRow run, List<TrainStepRow> steps) {
  private static final int HEIGHT = 360;

  /** Of the width of the curve: nobody sees it. */
  private static final double NUDGE = 1e-3;

  /** Steps at both ends whose losses are averaged. */
  private static final double END_SHARE = 0.1;

  TrainingReport {
    steps = List.copyOf(steps);
  }

  /** The lines. */
  List<String> lines() {
    TextTable facts = TextTable.of(TextTable.text("run"), TextTable.text(run.runId()));
    provenance().forEach(facts::row);
    List<String> lines = new ArrayList<>(facts.lines());
    if (!steps.isEmpty()) {
      lines.add("");
      lines.add("Loss");
      lines.addAll(losses().lines());
    }
    return lines;
  }

  /** The page. */
  String page() {
    HtmlPage page =
        new HtmlPage("training.ftlh")
            .put("run", run.runId())
            .put("subtitle", run.input().source() + " for " + run.input().scheme())
            .put("unfinished", run.status() != RunRow.Status.DONE)
            .put("status", status())
            .put("cards", cards())
            .put("losses", losses())
            .put("provenance", provenance());
    if (!steps.isEmpty()) {
      page.putPicture("curve", curve());
    }
    return page.render();
  }

  private Map<Long, List<TrainStepRow>> units() {
    Map<Long, List<TrainStepRow>> units = new TreeMap<>();
    steps.forEach(step -> units.computeIfAbsent(step.block(), b -> new ArrayList<>()).add(step));
    return units;
  }

  /** One row a block, or the model's. */
  private TextTable losses() {
    TextTable table =
        TextTable.of(
            TextTable.text("trained"),
            TextTable.number("steps"),
            TextTable.number("first losses"),
            TextTable.number("last losses"),
            TextTable.number("ratio"),
            TextTable.number("tokens/s"));
    units()
        .forEach(
            (block, own) -> {
              int end = Math.max(1, (int) (END_SHARE * own.size()));
              double first = mean(own.subList(0, end));
              double last = mean(own.subList(own.size() - end, own.size()));
              table.row(
                  name(block),
                  Texts.count(own.size()),
                  Texts.significant(first),
                  Texts.significant(last),
                  Texts.decimals(last / first, 3),
                  Texts.count(Math.round(tokens(own) / seconds(own))));
            });
    return table;
  }

  private static String name(long block) {
    return block < 0 ? "model" : "block " + block;
  }

  private static double mean(List<TrainStepRow> rows) {
    return rows.stream().mapToDouble(TrainStepRow::loss).average().orElse(Double.NaN);
  }

  private static long tokens(List<TrainStepRow> rows) {
    return rows.stream().mapToLong(TrainStepRow::tokens).sum();
  }

  private static double seconds(List<TrainStepRow> rows) {
    return rows.stream().mapToDouble(TrainStepRow::seconds).sum();
  }

  /**
   * Of the model its losses; of blocks each one's beside its first, which makes them comparable.
   */
  private String curve() {
    Map<Long, List<TrainStepRow>> units = units();
    boolean whole = units.containsKey(-1L);
    XYChart chart =
        new XYChartBuilder()
            .width(ChartStyle.WIDTH)
            .height(HEIGHT)
            .xAxisTitle("step")
            .yAxisTitle(whole ? "loss" : "loss over that of the first step")
            .build();
    ChartStyle.apply(chart.getStyler());
    chart
        .getStyler()
        .setDefaultSeriesRenderStyle(XYSeries.XYSeriesRenderStyle.Line)
        .setLegendVisible(units.size() > 1)
        .setLegendPosition(Styler.LegendPosition.OutsideE);
    units.forEach(
        (block, own) -> {
          double by = whole ? 1 : own.get(0).loss();
          double[] x = own.stream().mapToDouble(TrainStepRow::step).toArray();
          // XChart labels every one of equally spaced values, without room between.
          x[0] -= NUDGE * own.size();
          double[] y = own.stream().mapToDouble(step -> step.loss() / by).toArray();
          XYSeries series = chart.addSeries(name(block), x, y);
          series.setMarker(SeriesMarkers.NONE);
          if (whole) {
            series.setLineColor(ChartStyle.BLUE);
          }
        });
    return SvgPicture.paint(chart, "curve", "Loss of each step");
  }

  private List<Card> cards() {
    return List.of(
        new Card("Steps", Texts.count(steps.size()), "of all that is trained"),
        new Card("Tokens", Texts.count(tokens(steps)), "seen by all steps"),
        new Card("Time", RunFacts.duration(run), "from the first start to the end"));
  }

  private String status() {
    return run.status().name().toLowerCase(Locale.ROOT);
  }

  private Map<String, String> provenance() {
    Map<String, String> facts = new LinkedHashMap<>();
    facts.put("Job", run.job());
    facts.put("Status", status());
    facts.put("Checkpoint", run.input().source());
    facts.put("Output", run.input().output());
    facts.put("Scheme", run.input().scheme());
    facts.put("Quantized layers", Texts.count(run.input().quantized()));
    facts.put(
        "Trained", Texts.count(steps.size()) + " steps, " + Texts.count(tokens(steps)) + " tokens");
    facts.put("Started (UTC)", Texts.time(run.startedAt()));
    facts.put("Ended (UTC)", run.endedAt().map(Texts::time).orElse("-"));
    facts.put("Duration", RunFacts.duration(run));
    facts.put("Fingerprint", run.fingerprint());
    facts.put("Version", run.codeVersion());
    facts.put("Spark application", run.applicationId());
    facts.put("Arguments", run.arguments());
    facts.put("Configuration", run.config());
    return facts;
  }
}
