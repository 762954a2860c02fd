package org.sparkao.jobs.sweep.report;

import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.SweepCellRow;
import org.sparkao.jobs.table.SweepCellRow.Place;
import org.sparkao.jobs.table.SweepComparisonRow;
import org.sparkao.jobs.table.SweepRow;
import org.sparkao.jobs.table.TableRow;

/**
 * A sweep after one of its runs.
 *
 * @param run the run
 * @param cells of the sweep, whichever run computed them
 * @param comparisons of all of its runs
 */
public record SweepView(
    SweepRow run, List<SweepCellRow> cells, List<SweepComparisonRow> comparisons) {
  /** Freezes the lists. */
  public SweepView {
    cells = List.copyOf(cells);
    comparisons = List.copyOf(comparisons);
  }

  /**
   * Reads what a run left, and what runs before it had.
   *
   * @return empty when there is no such run
   */
  public static Optional<SweepView> read(DeltaStore store, String runId) throws IOException {
    List<TableRow> runs = store.read(SweepRow.TABLE, runId);
    if (runs.isEmpty()) {
      return Optional.empty();
    }
    SweepRow run = SweepRow.of(runs.get(0));
    Instant end = run.endedAt().orElse(Instant.MAX);
    List<SweepCellRow> all = new ArrayList<>();
    for (TableRow row : store.readWhere(SweepCellRow.TABLE, "sweep", run.sweep())) {
      all.add(SweepCellRow.of(row));
    }
    Map<Place, SweepCellRow> newest = new LinkedHashMap<>();
    all.stream()
        .filter(row -> !row.ending().finishedAt().isAfter(end))
        .sorted(Comparator.comparing(row -> row.ending().finishedAt()))
        .forEach(row -> newest.put(row.place(), row));
    List<SweepComparisonRow> comparisons = new ArrayList<>();
    for (TableRow row : store.readWhere(SweepComparisonRow.TABLE, "sweep", run.sweep())) {
      comparisons.add(SweepComparisonRow.of(row));
    }
    return Optional.of(new SweepView(run, List.copyOf(newest.values()), comparisons));
  }

  /** Cells that have a value. */
  List<SweepCellRow> done() {
    return cells.stream().filter(cell -> cell.measured().isPresent()).toList();
  }

  /** Cells that have none. */
  List<SweepCellRow> failed() {
    return cells.stream().filter(cell -> cell.measured().isEmpty()).toList();
  }

  /** The comparison of a cell with its first baseline. */
  Optional<SweepComparisonRow> baseline(SweepCellRow cell) {
    return comparisons.stream()
        .filter(row -> row.against().equals(SweepComparisonRow.BASELINE))
        .filter(row -> isOf(row, cell))
        .findFirst();
  }

  /** Comparisons of these cells with the last good runs of their places. */
  List<SweepComparisonRow> lastGood() {
    return comparisons.stream()
        .filter(row -> row.against().equals(SweepComparisonRow.LAST_GOOD))
        .filter(row -> cells.stream().anyMatch(cell -> isOf(row, cell)))
        .toList();
  }

  private static boolean isOf(SweepComparisonRow row, SweepCellRow cell) {
    return cell.measured()
        .filter(measured -> measured.evaluateRun().equals(row.runs().evaluate()))
        .isPresent();
  }
}
