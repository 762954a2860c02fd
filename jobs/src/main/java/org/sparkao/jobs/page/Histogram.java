package org.sparkao.jobs.page;

import java.awt.Color;
import java.util.Arrays;
import java.util.List;
import java.util.stream.DoubleStream;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.knowm.xchart.style.Styler;

/**
 * How often values occur, parts above one another.
 *
 * @param parts from the bottom up
 * @param axis what the values are
 */
public record Histogram(List<Part> parts, String axis) {
  private static final int WIDTH = 540;
  private static final int HEIGHT = 280;
  private static final int BINS = 25;
  private static final int LABELS = 9;

  /** Freezes the parts, of which one has a value. */
  public Histogram {
    parts = List.copyOf(parts);
    if (parts.stream().allMatch(part -> part.values().isEmpty())) {
      throw new IllegalArgumentException("no value");
    }
  }

  /**
   * Some of the values.
   *
   * @param name in the legend
   * @param values finite
   * @param color of the bars
   */
  public record Part(String name, List<Double> values, Color color) {
    /** Freezes the values. */
    public Part {
      values = List.copyOf(values);
    }
  }

  /**
   * The picture as an {@code svg} element, half as wide as a page.
   *
   * @param id begins every id inside
   * @param label what is to be seen, for those who cannot
   */
  public String paint(String id, String label) {
    double[] all =
        parts.stream().flatMap(part -> part.values().stream()).mapToDouble(x -> x).toArray();
    double low = DoubleStream.of(all).min().orElseThrow();
    double high = DoubleStream.of(all).max().orElseThrow();
    Scale scale = Scale.around(low, high, BINS);
    CategoryChart chart =
        new CategoryChartBuilder()
            .width(WIDTH)
            .height(HEIGHT)
            .xAxisTitle(axis + "; bars from the value below them on")
            .yAxisTitle("items")
            .build();
    ChartStyle.apply(chart.getStyler());
    chart
        .getStyler()
        .setStacked(true)
        .setAvailableSpaceFill(0.96)
        .setLegendVisible(parts.size() > 1)
        .setLegendPosition(Styler.LegendPosition.InsideNW);
    chart.getStyler().setPlotGridVerticalLinesVisible(false);
    chart.getStyler().setYAxisDecimalPattern("#,##0");
    chart.getStyler().setXAxisMaxLabelCount(LABELS);
    for (Part part : parts) {
      chart
          .addSeries(part.name(), ends(scale), counts(part.values(), scale))
          .setFillColor(part.color());
    }
    return SvgPicture.paint(chart, id, label);
  }

  /** The lower ends of the bins. */
  private static List<String> ends(Scale scale) {
    List<String> marks = scale.marks().stream().map(scale::text).toList();
    return marks.subList(0, marks.size() - 1);
  }

  private static List<Integer> counts(List<Double> values, Scale scale) {
    Integer[] counts = new Integer[ends(scale).size()];
    Arrays.fill(counts, 0);
    for (double value : values) {
      counts[Math.min(counts.length - 1, (int) (counts.length * scale.position(value)))]++;
    }
    return List.of(counts);
  }
}
