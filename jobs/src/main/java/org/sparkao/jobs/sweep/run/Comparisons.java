package org.sparkao.jobs.sweep.run;

import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.sparkao.jobs.compare.PairedTest;
import org.sparkao.jobs.compare.RunItems;
import org.sparkao.jobs.sweep.plan.KeyedCell;
import org.sparkao.jobs.sweep.plan.SweepDefinition;
import org.sparkao.jobs.sweep.plan.SweepDefinition.Baseline;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.EvalItemRow;
import org.sparkao.jobs.table.SweepCellRow;
import org.sparkao.jobs.table.SweepCellRow.Measured;
import org.sparkao.jobs.table.SweepCellRow.Place;
import org.sparkao.jobs.table.SweepComparisonRow;
import org.sparkao.jobs.table.SweepComparisonRow.Paired;
import org.sparkao.jobs.table.SweepComparisonRow.Runs;
import org.sparkao.jobs.table.SweepComparisonRow.Verdict;

/**
 * Values against those of the baselines and of the last good run of the same place, item by item.
 */
public final class Comparisons {
  private final DeltaStore store;
  private final SweepDefinition definition;
  private final SweepState state;
  private final List<SweepCellRow> cells = new ArrayList<>();
  private final Map<String, List<EvalItemRow>> items = new HashMap<>();

  /**
   * Of some cells.
   *
   * @param state what the tables say now
   */
  public Comparisons(
      DeltaStore store, SweepDefinition definition, SweepState state, List<KeyedCell> cells) {
    this.store = store;
    this.definition = definition;
    this.state = state;
    cells.forEach(cell -> state.done(cell.key()).ifPresent(this.cells::add));
  }

  /** A cell, and the one that it is held against. */
  private record Pair(String against, SweepCellRow reference, SweepCellRow cell) {
    Runs runs() {
      return new Runs(run(reference), run(cell));
    }

    private static String run(SweepCellRow row) {
      return row.measured().orElseThrow().evaluateRun();
    }
  }

  /** Whether there are pairs that nobody has compared. */
  public boolean areMissing() {
    return !missing().isEmpty();
  }

  /**
   * Compares those pairs; what has another version of its task is left out.
   *
   * @return the new rows, stored
   */
  public List<SweepComparisonRow> make(String runId) throws IOException {
    List<SweepComparisonRow> rows = new ArrayList<>();
    for (String against : List.of(SweepComparisonRow.BASELINE, SweepComparisonRow.LAST_GOOD)) {
      List<Pair> pairs = new ArrayList<>();
      List<PairedTest> tests = new ArrayList<>();
      for (Pair pair : missing()) {
        if (pair.against().equals(against)) {
          Optional<PairedTest> test = test(pair);
          if (test.isPresent()) {
            pairs.add(pair);
            tests.add(test.orElseThrow());
          }
        }
      }
      double[] adjusted =
          Holm.adjusted(tests.stream().mapToDouble(PairedTest::probability).toArray());
      for (int i = 0; i < pairs.size(); i++) {
        rows.add(row(runId, pairs.get(i), tests.get(i), adjusted[i]));
      }
    }
    if (!rows.isEmpty()) {
      long step = store.lastStep(SweepComparisonRow.TABLE, runId) + 1;
      store.append(
          SweepComparisonRow.TABLE,
          rows.stream().map(SweepComparisonRow::toRow).toList(),
          runId,
          step);
    }
    return rows;
  }

  private List<Pair> missing() {
    Set<List<Object>> there = new HashSet<>();
    state.comparisons().forEach(row -> there.add(List.of(row.against(), row.runs())));
    List<Pair> missing = new ArrayList<>();
    for (SweepCellRow cell : cells) {
      for (Pair pair : pairs(cell)) {
        if (sameTask(pair) && !there.contains(List.of(pair.against(), pair.runs()))) {
          missing.add(pair);
        }
      }
    }
    return missing;
  }

  private static boolean sameTask(Pair pair) {
    Measured reference = pair.reference().measured().orElseThrow();
    Measured value = pair.cell().measured().orElseThrow();
    return reference.taskVersion().equals(value.taskVersion())
        && reference.metric().equals(value.metric());
  }

  private List<Pair> pairs(SweepCellRow cell) {
    List<Pair> pairs = new ArrayList<>();
    Place place = cell.place();
    for (Baseline baseline : definition.baselines()) {
      Place at = new Place(place.model(), baseline.scheme(), baseline.algorithm(), place.task());
      cells.stream()
          .filter(other -> other.place().equals(at) && !at.equals(place))
          .forEach(other -> pairs.add(new Pair(SweepComparisonRow.BASELINE, other, cell)));
    }
    state
        .lastGood(cell)
        .ifPresent(other -> pairs.add(new Pair(SweepComparisonRow.LAST_GOOD, other, cell)));
    return pairs;
  }

  private Optional<PairedTest> test(Pair pair) throws IOException {
    return PairedTest.of(
        items(pair.runs().reference()),
        items(pair.runs().evaluate()),
        pair.cell().measured().orElseThrow().metric());
  }

  private List<EvalItemRow> items(String run) throws IOException {
    List<EvalItemRow> rows = items.get(run);
    if (rows == null) {
      rows = RunItems.read(store, run, List.of());
      items.put(run, rows);
    }
    return rows;
  }

  private SweepComparisonRow row(String runId, Pair pair, PairedTest test, double adjusted) {
    boolean regressed =
        pair.against().equals(SweepComparisonRow.LAST_GOOD)
            && test.worse()
            && adjusted < definition.significance();
    return new SweepComparisonRow(
        runId,
        definition.name(),
        pair.cell().key(),
        pair.cell().place(),
        pair.cell().measured().orElseThrow().metric(),
        pair.against(),
        pair.runs(),
        new Paired(test.pairs(), test.reference(), test.value(), test.low(), test.high()),
        new Verdict(
            test.probability(),
            adjusted,
            test.method(),
            definition.significance(),
            regressed ? 1 : 0),
        Instant.now());
  }
}
