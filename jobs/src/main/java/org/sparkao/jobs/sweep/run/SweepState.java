package org.sparkao.jobs.sweep.run;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.sparkao.jobs.sweep.plan.PlannedModel;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.SweepCellRow;
import org.sparkao.jobs.table.SweepCellRow.Place;
import org.sparkao.jobs.table.SweepCellRow.Status;
import org.sparkao.jobs.table.SweepComparisonRow;
import org.sparkao.jobs.table.TableRow;

/** What the tables say of a sweep. */
public final class SweepState {
  private final List<SweepCellRow> cells;
  private final List<SweepComparisonRow> comparisons;
  private final Map<String, SweepCellRow> byKey = new HashMap<>();

  private SweepState(List<SweepCellRow> cells, List<SweepComparisonRow> comparisons) {
    this.cells = cells;
    this.comparisons = comparisons;
    cells.forEach(row -> byKey.merge(row.key(), row, SweepState::better));
  }

  /** Everything that runs of a sweep have left. */
  public static SweepState read(DeltaStore store, String sweep) throws IOException {
    List<SweepCellRow> cells = new ArrayList<>();
    for (TableRow row : store.readWhere(SweepCellRow.TABLE, "sweep", sweep)) {
      cells.add(SweepCellRow.of(row));
    }
    cells.sort(Comparator.comparing(row -> row.ending().finishedAt()));
    List<SweepComparisonRow> comparisons = new ArrayList<>();
    for (TableRow row : store.readWhere(SweepComparisonRow.TABLE, "sweep", sweep)) {
      comparisons.add(SweepComparisonRow.of(row));
    }
    return new SweepState(cells, comparisons);
  }

  /** A value that was there once stays; of the rest the newest counts. */
  private static SweepCellRow better(SweepCellRow older, SweepCellRow newer) {
    return older.ending().status() == Status.DONE ? older : newer;
  }

  /** What is known under a key: its value, or how the newest attempt at it ended. */
  public Optional<SweepCellRow> find(String key) {
    return Optional.ofNullable(byKey.get(key));
  }

  /** The value under a key. */
  public Optional<SweepCellRow> done(String key) {
    return find(key).filter(row -> row.ending().status() == Status.DONE);
  }

  /** The content of a model whose files are those that an earlier run has read. */
  public Optional<String> modelHash(PlannedModel model) {
    return cells.stream()
        .map(SweepCellRow::source)
        .filter(
            source ->
                source.location().equals(model.location())
                    && !model.fingerprint().isEmpty()
                    && source.fingerprint().equals(model.fingerprint()))
        .map(SweepCellRow.Source::hash)
        .findFirst();
  }

  /** The comparisons so far. */
  public List<SweepComparisonRow> comparisons() {
    return List.copyOf(comparisons);
  }

  /**
   * Runs that the sweep goes on from: of each place the newest value, the newest one that was no
   * regression, and those that say which is one.
   */
  public Set<String> neededRuns() {
    Set<String> evaluations = new HashSet<>();
    Set<String> runs = new HashSet<>();
    for (List<SweepCellRow> candidates : List.of(done(), good())) {
      Map<Place, SweepCellRow> newest = new HashMap<>();
      candidates.forEach(row -> newest.put(row.place(), row));
      for (SweepCellRow row : newest.values()) {
        evaluations.add(row.measured().orElseThrow().evaluateRun());
        runs.add(row.runId());
      }
    }
    comparisons.stream()
        .filter(row -> evaluations.contains(row.runs().evaluate()))
        .forEach(row -> runs.add(row.runId()));
    runs.addAll(evaluations);
    return runs;
  }

  private List<SweepCellRow> done() {
    return cells.stream().filter(row -> row.ending().status() == Status.DONE).toList();
  }

  private List<SweepCellRow> good() {
    Set<String> regressed =
        comparisons.stream()
            .filter(row -> row.verdict().regressed() == 1)
            .map(row -> row.runs().evaluate())
            .collect(Collectors.toSet());
    return done().stream()
        .filter(row -> !regressed.contains(row.measured().orElseThrow().evaluateRun()))
        .toList();
  }

  /** The newest value at the same place before a cell, unless it was a regression itself. */
  Optional<SweepCellRow> lastGood(SweepCellRow cell) {
    Place place = cell.place();
    return good().stream()
        .filter(row -> row.place().equals(place) && !row.key().equals(cell.key()))
        .filter(row -> row.ending().finishedAt().isBefore(cell.ending().finishedAt()))
        .reduce((older, newer) -> newer);
  }
}
