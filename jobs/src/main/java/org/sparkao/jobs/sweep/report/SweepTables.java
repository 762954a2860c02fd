package org.sparkao.jobs.sweep.report;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.stream.Collectors;
import org.sparkao.jobs.job.TextTable;
import org.sparkao.jobs.job.Texts;
import org.sparkao.jobs.table.EvalResultRow;
import org.sparkao.jobs.table.SweepCellRow;
import org.sparkao.jobs.table.SweepCellRow.Measured;
import org.sparkao.jobs.table.SweepComparisonRow;

/** The tables of a sweep, the same on a terminal and on a page. */
final class SweepTables {
  private static final String NOTHING = "-";

  private SweepTables() {}

  /** A row a cell; those on a front say of what. */
  static TextTable cells(SweepView view) {
    TextTable table =
        TextTable.of(
            TextTable.text("model"),
            TextTable.text("scheme"),
            TextTable.text("algorithm"),
            TextTable.text("task"),
            TextTable.text("metric"),
            TextTable.number("value"),
            TextTable.number("against baseline"),
            TextTable.number("p"),
            TextTable.number("size"),
            TextTable.number("tokens/s"),
            TextTable.text("best for"));
    Map<SweepCellRow, String> fronts = fronts(view);
    for (SweepCellRow cell : view.cells()) {
      List<String> row =
          new ArrayList<>(
              List.of(
                  cell.place().model(),
                  cell.place().scheme(),
                  cell.place().algorithm(),
                  cell.place().task()));
      if (cell.measured().isEmpty()) {
        String status = cell.ending().status().name().toLowerCase(Locale.ROOT);
        row.addAll(List.of(NOTHING, status, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING));
      } else {
        Measured measured = cell.measured().orElseThrow();
        row.add(measured.metric());
        row.add(value(measured));
        row.add(view.baseline(cell).map(SweepTables::difference).orElse(NOTHING));
        row.add(
            view.baseline(cell)
                .map(with -> probability(with.verdict().probability()))
                .orElse(NOTHING));
        row.add(cell.output().bytes().map(Texts::bytes).orElse(NOTHING));
        row.add(Texts.count(Math.round(measured.tokensPerSecond())));
        row.add(fronts.getOrDefault(cell, NOTHING));
      }
      table.row(row.toArray(String[]::new));
    }
    return table;
  }

  private static Map<SweepCellRow, String> fronts(SweepView view) {
    Map<SweepCellRow, String> fronts = new LinkedHashMap<>();
    byTask(view)
        .values()
        .forEach(
            cells -> {
              ParetoFront.of(cells, ParetoFront::bytes).forEach(cell -> fronts.put(cell, "size"));
              ParetoFront.of(cells, ParetoFront::secondsPerToken)
                  .forEach(cell -> fronts.merge(cell, "speed", (a, b) -> a + ", " + b));
            });
    return fronts;
  }

  /** The cells with values, task by task. */
  static Map<String, List<SweepCellRow>> byTask(SweepView view) {
    return view.done().stream()
        .collect(
            Collectors.groupingBy(
                cell -> cell.place().task(), LinkedHashMap::new, Collectors.toList()));
  }

  /** Why cells have no value. */
  static TextTable failures(SweepView view) {
    TextTable table =
        TextTable.of(TextTable.text("cell"), TextTable.text("status"), TextTable.text("reason"));
    for (SweepCellRow cell : view.failed()) {
      table.row(
          name(cell.place()),
          cell.ending().status().name().toLowerCase(Locale.ROOT),
          cell.ending().reason().orElse(NOTHING));
    }
    return table;
  }

  /** Cells against the last good runs of their places. */
  static TextTable lastGood(SweepView view) {
    TextTable table =
        TextTable.of(
            TextTable.text("cell"),
            TextTable.text("metric"),
            TextTable.number("before"),
            TextTable.number("now"),
            TextTable.number("difference"),
            TextTable.number("pairs"),
            TextTable.number("adjusted p"),
            TextTable.text(""));
    for (SweepComparisonRow row : view.lastGood()) {
      table.row(
          name(row.place()),
          row.metric(),
          number(row.metric(), row.paired().reference()),
          number(row.metric(), row.paired().value()),
          difference(row),
          Texts.count(row.paired().pairs()),
          probability(row.verdict().adjusted()),
          row.verdict().regressed() == 1 ? "REGRESSION" : "");
    }
    return table;
  }

  /** The names of a place. */
  static String name(SweepCellRow.Place place) {
    return String.join(" ", place.model(), place.scheme(), place.algorithm(), place.task());
  }

  private static String value(Measured measured) {
    OptionalDouble error = measured.standardError();
    return number(measured.metric(), measured.value())
        + (error.isPresent() ? " \u00b1 " + number(measured.metric(), error.getAsDouble()) : "");
  }

  /** Shares in percent. */
  private static String number(String metric, double value) {
    return EvalResultRow.isShare(metric)
        ? Texts.decimals(100 * value, 2) + " %"
        : Texts.decimals(value, 4);
  }

  private static String difference(SweepComparisonRow row) {
    double difference = row.paired().value() - row.paired().reference();
    return EvalResultRow.isShare(row.metric())
        ? Texts.signed(100 * difference, 2)
        : Texts.signed(difference, 4);
  }

  private static String probability(double value) {
    return value < 1e-4 ? "<0.0001" : Texts.decimals(value, 4);
  }
}
