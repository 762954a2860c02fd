package org.sparkao.jobs.sweep.run;

import java.io.IOException;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.sparkao.jobs.config.CommonKeys;
import org.sparkao.jobs.evaluate.EvaluateJob;
import org.sparkao.jobs.job.Failures;
import org.sparkao.jobs.job.JobCalls;
import org.sparkao.jobs.sweep.plan.KeyedCell;
import org.sparkao.jobs.sweep.plan.PlannedModel;
import org.sparkao.jobs.sweep.plan.PlannedTask;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.EvalItemRow;
import org.sparkao.jobs.table.EvalResultRow;
import org.sparkao.jobs.table.SweepCellRow;
import org.sparkao.jobs.table.SweepCellRow.Ending;
import org.sparkao.jobs.table.SweepCellRow.Measured;
import org.sparkao.jobs.table.SweepCellRow.Output;
import org.sparkao.jobs.table.SweepCellRow.Source;
import org.sparkao.jobs.table.SweepCellRow.Status;
import org.sparkao.jobs.table.TableRow;

/** Evaluates cells, and says how they ended. */
final class CellWork {
  private static final int KEY_LETTERS = 16;

  private final JobCalls jobs;
  private final DeltaStore store;
  private final String sweep;
  private final String runId;

  CellWork(JobCalls jobs, DeltaStore store, String sweep, String runId) {
    this.jobs = jobs;
    this.store = store;
    this.sweep = sweep;
    this.runId = runId;
  }

  /** Evaluates a cell's checkpoint. A run that was broken off goes on: its name is the key's. */
  SweepCellRow evaluate(KeyedCell cell, MadeCheckpoint checkpoint) throws Exception {
    long begin = System.nanoTime();
    PlannedTask task = cell.planned().task().orElseThrow();
    String run = sweep + "-" + cell.key().substring(0, KEY_LETTERS);
    Map<String, List<String>> options = new TreeMap<>(task.options());
    options.put("checkpoint", List.of(checkpoint.location()));
    options.put(CommonKeys.RUN_ID.name(), List.of(run));
    jobs.demand(new EvaluateJob(), options);
    Measured measured = measured(run, task);
    return row(
        cell,
        new Output(
            checkpoint.location(), Optional.of(checkpoint.bytes()), checkpoint.calibration()),
        new Ending(Status.DONE, Optional.empty(), (System.nanoTime() - begin) / 1e9, Instant.now()),
        Optional.of(measured));
  }

  /** The row of a cell that could not be computed. */
  SweepCellRow failed(KeyedCell cell, String location, Exception failure) {
    return unfinished(
        cell,
        location,
        Failures.isRefusal(failure) ? Status.REFUSED : Status.FAILED,
        Failures.text(failure));
  }

  /** The row of a cell that the plan refuses. */
  SweepCellRow refused(KeyedCell cell, String location) {
    return unfinished(cell, location, Status.REFUSED, cell.planned().refusal().orElseThrow());
  }

  private SweepCellRow unfinished(KeyedCell cell, String location, Status status, String reason) {
    return row(
        cell,
        new Output(location, Optional.empty(), Optional.empty()),
        new Ending(status, Optional.of(reason), 0, Instant.now()),
        Optional.empty());
  }

  private SweepCellRow row(
      KeyedCell cell, Output output, Ending ending, Optional<Measured> measured) {
    PlannedModel model = cell.planned().recipe().model();
    return new SweepCellRow(
        runId,
        sweep,
        cell.key(),
        cell.planned().place(),
        new Source(model.location(), model.fingerprint(), cell.modelHash()),
        output,
        ending,
        measured);
  }

  private Measured measured(String run, PlannedTask task) throws IOException {
    EvalResultRow result =
        store.read(EvalResultRow.TABLE, run).stream()
            .map(EvalResultRow::of)
            .filter(row -> row.task().equals(task.task()) && row.metric().equals(task.metric()))
            .findFirst()
            .orElseThrow(() -> new IOException("run " + run + " has no " + task.metric()));
    long tokens = 0;
    long nanos = 0;
    for (TableRow read : store.read(EvalItemRow.TABLE, run)) {
      EvalItemRow row = EvalItemRow.of(read);
      tokens += row.outcome().tokens();
      nanos += row.origin().elapsedNanos();
    }
    return new Measured(
        run,
        task.version(),
        task.metric(),
        result.value(),
        result.spread().standardError(),
        result.items(),
        nanos == 0 ? 0 : tokens * 1e9 / nanos);
  }
}
