package org.sparkao.jobs.describe;

import java.awt.Color;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.knowm.xchart.HeatMapChart;
import org.knowm.xchart.HeatMapChartBuilder;
import org.knowm.xchart.style.Styler;
import org.sparkao.jobs.describe.RunDescription.ModuleType;
import org.sparkao.jobs.page.ChartStyle;
import org.sparkao.jobs.page.SvgPicture;

/** The pictures of a report. */
final class Charts {
  private static final int SIZE_HEIGHT = 340;
  private static final int MAP_ROW_HEIGHT = 34;
  private static final int MAP_FRAME_HEIGHT = 90;
  private static final int MAP_LEAST_HEIGHT = 230;
  private static final int BARS = 9;
  private static final int LAYERS_WITH_NUMBERS = 24;
  private static final int LAYER_LABELS = 31;
  private static final double BAR_SHARE = 0.1;

  /** From noisy to clean; read without red and green. */
  private static final Color[] NOISY_TO_CLEAN = {
    new Color(0xB3, 0x58, 0x06),
    new Color(0xF1, 0xA3, 0x40),
    new Color(0xFE, 0xE0, 0xB6),
    new Color(0xD8, 0xE9, 0xF5),
    new Color(0x74, 0xAD, 0xD1),
    new Color(0x31, 0x6F, 0xA8)
  };

  private Charts() {}

  /** A decimal unit in which the largest number of an axis has one to three digits. */
  private record Unit(String name, double bytes) {
    private static final List<Unit> ALL =
        List.of(new Unit("GB", 1e9), new Unit("MB", 1e6), new Unit("kB", 1e3));

    static Unit of(long largest) {
      return ALL.stream()
          .filter(unit -> largest >= unit.bytes)
          .findFirst()
          .orElse(new Unit("bytes", 1));
    }

    List<Double> of(List<Long> values) {
      return values.stream().map(value -> value / bytes).toList();
    }
  }

  /**
   * Size before and after of each type of module; the smallest types are one bar. Empty when there
   * is no tensor.
   */
  static Optional<String> sizes(RunDescription run) {
    return run.tensors().isEmpty() ? Optional.empty() : Optional.of(bars(run));
  }

  private static String bars(RunDescription run) {
    List<ModuleType> types = run.moduleTypes();
    int single = types.size() <= BARS ? types.size() : BARS - 1;
    List<String> names = new ArrayList<>();
    List<Long> before = new ArrayList<>();
    List<Long> after = new ArrayList<>();
    for (ModuleType type : types.subList(0, single)) {
      names.add(type.type());
      before.add(type.sourceBytes());
      after.add(type.outputBytes());
    }
    List<ModuleType> rest = types.subList(single, types.size());
    if (!rest.isEmpty()) {
      names.add(rest.size() + " others");
      before.add(rest.stream().mapToLong(ModuleType::sourceBytes).sum());
      after.add(rest.stream().mapToLong(ModuleType::outputBytes).sum());
    }
    long largest = Math.max(Collections.max(before), Collections.max(after));
    Unit unit = Unit.of(largest);
    CategoryChart chart =
        new CategoryChartBuilder()
            .width(ChartStyle.WIDTH)
            .height(SIZE_HEIGHT)
            .yAxisTitle(unit.name())
            .build();
    ChartStyle.apply(chart.getStyler());
    chart
        .getStyler()
        .setAvailableSpaceFill(Math.min(0.7, BAR_SHARE * names.size()))
        .setLegendPosition(Styler.LegendPosition.InsideNE);
    chart.getStyler().setPlotGridVerticalLinesVisible(false);
    chart.getStyler().setYAxisDecimalPattern("#,##0.###");
    chart.addSeries("before", names, unit.of(before)).setFillColor(ChartStyle.GREY);
    chart.addSeries("after", names, unit.of(after)).setFillColor(ChartStyle.BLUE);
    return SvgPicture.paint(chart, "sizes", "Size of each type of module before and after");
  }

  /** The map as a picture; empty when the map is. */
  static Optional<String> noise(NoiseMap map) {
    return map.isEmpty() ? Optional.empty() : Optional.of(cells(map));
  }

  private static String cells(NoiseMap map) {
    List<String> upwards = new ArrayList<>(map.types());
    Collections.reverse(upwards);
    List<Number[]> cells = new ArrayList<>();
    for (int y = 0; y < upwards.size(); y++) {
      for (int x = 0; x < map.layers().size(); x++) {
        OptionalDouble value = map.cell(upwards.get(y), map.layers().get(x));
        if (value.isPresent()) {
          cells.add(new Number[] {x, y, value.getAsDouble()});
        }
      }
    }
    HeatMapChart chart =
        new HeatMapChartBuilder()
            .width(ChartStyle.WIDTH)
            .height(Math.max(MAP_LEAST_HEIGHT, MAP_FRAME_HEIGHT + MAP_ROW_HEIGHT * upwards.size()))
            .xAxisTitle("layer")
            .build();
    ChartStyle.apply(chart.getStyler());
    chart
        .getStyler()
        .setRangeColors(NOISY_TO_CLEAN)
        .setPiecewise(true)
        .setSplitNumber(NOISY_TO_CLEAN.length)
        .setMin(Math.floor(map.min()))
        .setMax(Math.max(Math.ceil(map.max()), Math.floor(map.min()) + 1))
        .setShowValue(map.layers().size() <= LAYERS_WITH_NUMBERS)
        .setValueFont(ChartStyle.font(11))
        .setHeatMapValueDecimalPattern("0.0");
    chart.getStyler().setPlotGridLinesVisible(false);
    chart.getStyler().setXAxisMaxLabelCount(LAYER_LABELS);
    chart.addSeries("SQNR, dB", map.layers(), upwards, cells);
    return SvgPicture.paint(
        chart, "noise", "Signal to quantization noise of each layer and type of module");
  }
}
