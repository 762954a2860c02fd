package org.sparkao.jobs.describe;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.commons.text.similarity.LevenshteinDistance;
import org.sparkao.jobs.sweep.report.SweepView;
import org.sparkao.jobs.table.CalibrationRow;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.EvalItemRow;
import org.sparkao.jobs.table.EvalResultRow;
import org.sparkao.jobs.table.RunRow;
import org.sparkao.jobs.table.SweepRow;
import org.sparkao.jobs.table.TableRow;
import org.sparkao.jobs.table.TensorRow;
import org.sparkao.jobs.table.TrainStepRow;
import org.sparkao.quant.QuantException;

/** Reads runs and what became of their tensors. */
public final class RunTables {
  private static final int NEAR = 5;

  private final DeltaStore store;

  /** The runs of a store. */
  public RunTables(DeltaStore store) {
    this.store = store;
  }

  /** All runs, newest first. */
  public List<RunRow> newestFirst() throws IOException {
    return store.read(RunRow.TABLE).stream()
        .map(RunRow::of)
        .sorted(Comparator.comparing(RunRow::startedAt).thenComparing(RunRow::runId).reversed())
        .toList();
  }

  /**
   * Everything about a run.
   *
   * @throws QuantException when there is no run of that name
   */
  public RunDescription describe(String runId) throws IOException {
    List<RunRow> runs = newestFirst();
    return describe(
        runs.stream()
            .filter(run -> run.runId().equals(runId))
            .findFirst()
            .orElseThrow(
                () ->
                    new QuantException(
                        "run " + runId + " is not in " + store.location(RunRow.TABLE))));
  }

  /** Everything about a run. */
  public RunDescription describe(RunRow run) throws IOException {
    List<TensorResult> tensors =
        store.read(TensorRow.TABLE, run.runId()).stream()
            .map(RunTables::tensor)
            .sorted(Comparator.comparing(TensorResult::tensor))
            .toList();
    return new RunDescription(run, tensors);
  }

  /** Everything about a run of {@code evaluate}; an item that two attempts stored counts once. */
  Evaluation evaluation(RunRow run) throws IOException {
    Map<String, EvalItemRow> items = new LinkedHashMap<>();
    for (TableRow row : store.read(EvalItemRow.TABLE, run.runId())) {
      EvalItemRow item = EvalItemRow.of(row);
      items.putIfAbsent(item.key().task() + " " + item.item().index(), item);
    }
    List<EvalResultRow> results =
        store.read(EvalResultRow.TABLE, run.runId()).stream().map(EvalResultRow::of).toList();
    return new Evaluation(run, results, new ArrayList<>(items.values()));
  }

  /** Everything about a run of {@code calibrate}. */
  CalibrationReport calibration(RunRow run) throws IOException {
    return new CalibrationReport(
        run,
        store.read(CalibrationRow.TABLE, run.runId()).stream()
            .map(CalibrationRow::of)
            .sorted(Comparator.comparing(CalibrationRow::module))
            .toList());
  }

  /** A sweep after one of its runs. */
  SweepView sweep(RunRow run) throws IOException {
    return SweepView.read(store, run.runId())
        .orElseThrow(
            () ->
                new QuantException(
                    "run " + run.runId() + " is not in " + store.location(SweepRow.TABLE)));
  }

  /** Everything about a run of {@code train}. */
  TrainingReport training(RunRow run) throws IOException {
    return new TrainingReport(
        run,
        store.read(TrainStepRow.TABLE, run.runId()).stream()
            .map(TrainStepRow::of)
            .sorted(Comparator.comparing(TrainStepRow::block).thenComparing(TrainStepRow::step))
            .toList());
  }

  /** The names of runs most like one that does not exist. */
  static List<String> near(String id, List<RunRow> runs) {
    LevenshteinDistance distance = LevenshteinDistance.getDefaultInstance();
    return runs.stream()
        .map(RunRow::runId)
        .sorted(Comparator.comparing(other -> distance.apply(id, other)))
        .limit(NEAR)
        .toList();
  }

  private static TensorResult tensor(TableRow row) {
    return new TensorResult(
        row.text("tensor"),
        row.text("module"),
        row.findNumber("layer"),
        row.numbers("shape"),
        new TensorResult.Treatment(
            row.findText("scheme"),
            row.findText("reason"),
            row.text("numerics"),
            row.text("algorithm"),
            row.text("device")),
        row.number("source_end") - row.number("source_begin"),
        row.number("output_bytes"),
        row.number("non_finite"),
        row.has("elements") ? Optional.of(error(row)) : Optional.empty());
  }

  private static TensorResult.Error error(TableRow row) {
    return new TensorResult.Error(
        row.decimal("amax"),
        row.decimal("sqnr_db"),
        row.decimal("max_error"),
        row.decimal("mean_error"),
        row.decimal("clipped_fraction"));
  }
}
