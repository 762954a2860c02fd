package org.sparkao.jobs.describe;

import java.awt.Color;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.DoubleSummaryStatistics;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.Styler;
import org.knowm.xchart.style.markers.SeriesMarkers;
import org.sparkao.jobs.page.ChartStyle;
import org.sparkao.jobs.page.SvgPicture;
import org.sparkao.jobs.table.TrainStepRow;

/**
 * The pictures of a training: what changes from step to step.
 *
 * @param units the steps of each block, or of the model under -1; none of them empty
 */
record TrainingPictures(Map<Long, List<TrainStepRow>> units) {
  private static final int HEIGHT = 360;
  private static final int SMALL_WIDTH = 540;
  private static final int SMALL_HEIGHT = 300;

  /** Of the width of a curve: nobody sees it. */
  private static final double NUDGE = 1e-3;

  /** Seconds of a step that no clock saw. */
  private static final double SHORTEST = 1e-6;

  /** Largest over least value from which on an axis is logarithmic: two of its marks are seen. */
  private static final double WIDE = 100;

  private static final String NUMBERS = "#,##0.########";

  /** More lines are not named one by one. */
  private static final int NAMES = 10;

  /** What {@link TrainStepRow#scales} has. */
  private static final List<String> QUANTILES =
      List.of("least", "quarter", "half", "three quarters", "largest");

  private static final int MEDIAN = 2;

  /** A picture and what it shows. */
  record Picture(String title, String svg) {}

  /** A line of a picture. */
  private record Line(String name, double[] steps, double[] values) {}

  /** How a unit is called. */
  static String name(long block) {
    return block < 0 ? "model" : "block " + block;
  }

  private boolean whole() {
    return units.containsKey(-1L);
  }

  /**
   * Of the model its losses; of blocks each one's beside its first, which makes them comparable.
   */
  String loss() {
    List<Line> lines = new ArrayList<>();
    units.forEach(
        (block, own) -> {
          double by = whole() ? 1 : own.get(0).loss();
          lines.add(line(name(block), own, step -> step.loss() / by));
        });
    XYChart chart =
        chart(ChartStyle.WIDTH, HEIGHT, whole() ? "loss" : "loss over that of the first step");
    draw(chart, lines);
    chart.getStyler().setLegendVisible(lines.size() > 1);
    return SvgPicture.paint(chart, "curve", "Loss of each step");
  }

  /** What explains the losses. */
  List<Picture> others() {
    List<Picture> pictures = new ArrayList<>();
    Map.Entry<Long, List<TrainStepRow>> first = units.entrySet().iterator().next();
    pictures.add(
        picture(
            "Learning rate",
            "rate",
            List.of(line("rate", first.getValue(), TrainStepRow::learningRate))));
    List<Line> scales = scales();
    if (!scales.isEmpty()) {
      pictures.add(picture("Learned scales, times those of the first state", "scales", scales));
    }
    pictures.add(picture("Norm of all gradients", "norm", each(TrainStepRow::gradientNorm)));
    pictures.add(picture("Tokens a second", "speed", each(TrainingPictures::speed)));
    return pictures;
  }

  private static double speed(TrainStepRow step) {
    return step.tokens() / Math.max(step.seconds(), SHORTEST);
  }

  private List<Line> each(ToDoubleFunction<TrainStepRow> value) {
    List<Line> lines = new ArrayList<>();
    units.forEach((block, own) -> lines.add(line(name(block), own, value)));
    return lines;
  }

  /** Of the model all quantiles, of each block half of them; steps without a state are left out. */
  private List<Line> scales() {
    List<Line> lines = new ArrayList<>();
    units.forEach(
        (block, own) -> {
          List<TrainStepRow> looked = own.stream().filter(row -> !row.scales().isEmpty()).toList();
          for (int i = whole() ? 0 : MEDIAN; i <= (whole() ? QUANTILES.size() - 1 : MEDIAN); i++) {
            int quantile = i;
            if (!looked.isEmpty() && looked.get(0).scales().get(i) > 0) {
              double by = looked.get(0).scales().get(i);
              lines.add(
                  line(
                      whole() ? QUANTILES.get(i) : name(block),
                      looked,
                      row -> row.scales().get(quantile) / by));
            }
          }
        });
    return lines;
  }

  private static Line line(
      String name, List<TrainStepRow> rows, ToDoubleFunction<TrainStepRow> value) {
    double[] steps = rows.stream().mapToDouble(TrainStepRow::step).toArray();
    // XChart labels every one of equally spaced values, without room between.
    steps[0] -= NUDGE * steps[steps.length - 1];
    return new Line(name, steps, rows.stream().mapToDouble(value).toArray());
  }

  /** Blocks have the colours that the picture of the losses names. */
  private Picture picture(String title, String id, List<Line> lines) {
    XYChart chart = chart(SMALL_WIDTH, SMALL_HEIGHT, "");
    draw(chart, lines);
    chart.getStyler().setLegendVisible(whole() && lines.size() > 1);
    return new Picture(title, SvgPicture.paint(chart, id, title + " at each step"));
  }

  private static XYChart chart(int width, int height, String axis) {
    XYChart chart =
        new XYChartBuilder()
            .width(width)
            .height(height)
            .xAxisTitle("step")
            .yAxisTitle(axis)
            .build();
    ChartStyle.apply(chart.getStyler());
    chart
        .getStyler()
        .setDefaultSeriesRenderStyle(XYSeries.XYSeriesRenderStyle.Line)
        .setLegendPosition(Styler.LegendPosition.OutsideE);
    chart.getStyler().setYAxisDecimalPattern(NUMBERS);
    return chart;
  }

  private static void draw(XYChart chart, List<Line> lines) {
    chart.getStyler().setYAxisLogarithmic(wide(lines));
    int every = (lines.size() + NAMES - 1) / NAMES;
    for (int i = 0; i < lines.size(); i++) {
      Line line = lines.get(i);
      XYSeries series = chart.addSeries(line.name(), line.steps(), line.values());
      series.setMarker(SeriesMarkers.NONE);
      series.setLineColor(colour(i, lines.size()));
      series.setShowInLegend(i % every == 0 || i == lines.size() - 1);
    }
  }

  private static boolean wide(List<Line> lines) {
    DoubleSummaryStatistics values =
        lines.stream().flatMapToDouble(line -> Arrays.stream(line.values())).summaryStatistics();
    return values.getMin() > 0 && values.getMax() > WIDE * values.getMin();
  }

  /** From orange over near black to blue, so that neighbours in the model have like colours. */
  private static Color colour(int index, int count) {
    if (count == 1) {
      return ChartStyle.BLUE;
    }
    double place = 2.0 * index / (count - 1);
    return place < 1
        ? mixed(ChartStyle.ORANGE, ChartStyle.INK, place)
        : mixed(ChartStyle.INK, ChartStyle.BLUE, place - 1);
  }

  private static Color mixed(Color from, Color to, double share) {
    return new Color(
        mixed(from.getRed(), to.getRed(), share),
        mixed(from.getGreen(), to.getGreen(), share),
        mixed(from.getBlue(), to.getBlue(), share));
  }

  private static int mixed(int from, int to, double share) {
    return (int) Math.round(from + share * (to - from));
  }
}
