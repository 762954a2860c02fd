package org.sparkao.jobs.sweep;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.sparkao.jobs.config.CommonKeys;
import org.sparkao.jobs.config.Config;
import org.sparkao.jobs.config.ConfigKey;
import org.sparkao.jobs.job.Console;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.job.Job;
import org.sparkao.jobs.job.JobCalls;
import org.sparkao.jobs.quantize.run.Ownership;
import org.sparkao.jobs.quantize.run.Ownership.Pace;
import org.sparkao.jobs.storage.ScratchFolder;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.sweep.plan.BundledFiles;
import org.sparkao.jobs.sweep.plan.KeyedCell;
import org.sparkao.jobs.sweep.plan.PlannedCell;
import org.sparkao.jobs.sweep.plan.SweepDefinition;
import org.sparkao.jobs.sweep.plan.SweepFile;
import org.sparkao.jobs.sweep.plan.SweepPlan;
import org.sparkao.jobs.sweep.plan.SweepPlanText;
import org.sparkao.jobs.sweep.plan.SweepPlanner;
import org.sparkao.jobs.sweep.run.SweepDriver;
import org.sparkao.jobs.sweep.run.SweepLock;
import org.sparkao.jobs.sweep.run.SweepState;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.RunRow;
import org.sparkao.jobs.table.SweepCellRow;
import org.sparkao.jobs.table.SweepComparisonRow;
import org.sparkao.jobs.table.SweepRow;

/** Models x schemes x algorithms x tasks: what is missing is computed, the rest is there. */
public final class SweepJob implements Job {
  private final Pace pace;

  /** The job. */
  public SweepJob() {
    this(Ownership.PACE);
  }

  SweepJob(Pace pace) {
    this.pace = pace;
  }

  @Override
  public String name() {
    return "sweep";
  }

  @Override
  public String summary() {
    return "Quantizes and evaluates every combination of models, schemes, algorithms and tasks that"
        + " a file names, unless it was done before; compares them.";
  }

  @Override
  public List<ConfigKey<?>> keys() {
    return SweepKeys.all();
  }

  @Override
  public ExitCode run(Config config, Console console) throws Exception {
    SweepDefinition definition =
        SweepFile.read(Path.of(config.value(SweepKeys.FILE)), System.getenv());
    String output =
        config
            .find(SweepKeys.OUTPUT)
            .or(definition::output)
            .orElse("./sparkao-sweeps/" + definition.name());
    Storage storage = Storage.ofAssignments(config.all(CommonKeys.CONF));
    DeltaStore store = new DeltaStore(storage, config.value(CommonKeys.TABLES));
    List.of(SweepRow.TABLE, SweepCellRow.TABLE, SweepComparisonRow.TABLE, RunRow.TABLE)
        .forEach(store::requireKnownColumns);
    JobCalls jobs = new JobCalls(config, console);
    if (config.value(SweepKeys.DRY_RUN)) {
      show(definition, output, jobs, storage, store);
      return ExitCode.DONE;
    }
    Optional<Ownership> ownership =
        SweepLock.take(
            storage.folder(output),
            definition.name(),
            config.find(CommonKeys.RUN_ID),
            config.value(SweepKeys.OVERLAP),
            pace,
            console);
    if (ownership.isEmpty()) {
      return ExitCode.BUSY;
    }
    try (Ownership own = ownership.orElseThrow()) {
      SweepDriver driver =
          new SweepDriver(
              own,
              jobs,
              config.value(SweepKeys.PARALLEL),
              config.find(SweepKeys.HTML).orElse(output + "/sweep.html"));
      return driver.run(plan(definition, output, jobs, storage, own));
    }
  }

  /** A plan that is refused leaves no trace of a run that nobody began. */
  private static SweepPlan plan(
      SweepDefinition definition, String output, JobCalls jobs, Storage storage, Ownership own)
      throws Exception {
    try {
      return new SweepPlanner(jobs, storage, new BundledFiles(output, Optional.empty()))
          .plan(definition, output);
    } catch (Exception e) {
      if (!own.resumed()) {
        own.finish();
      }
      throw e;
    }
  }

  private static void show(
      SweepDefinition definition, String output, JobCalls jobs, Storage storage, DeltaStore store)
      throws Exception {
    try (ScratchFolder scratch = ScratchFolder.create(storage, "sparkao-sweep")) {
      SweepPlan plan =
          new SweepPlanner(jobs, storage, new BundledFiles(output, Optional.of(scratch.path())))
              .plan(definition, output);
      SweepState state = SweepState.read(store, definition.name());
      SweepPlanText.lines(plan, cell -> isDone(cell, state)).forEach(jobs.console().out()::println);
    }
  }

  /** A model whose content nobody has read was not computed with, or was moved since. */
  private static boolean isDone(PlannedCell cell, SweepState state) {
    return state
        .modelHash(cell.recipe().model())
        .flatMap(hash -> state.done(KeyedCell.of(cell, hash).key()))
        .isPresent();
  }
}
