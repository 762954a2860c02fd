package org.sparkao.jobs.sweep.run;

import java.io.IOException;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import org.apache.spark.SparkContext;
import org.sparkao.jobs.config.CommonKeys;
import org.sparkao.jobs.config.Config;
import org.sparkao.jobs.evaluate.plan.Sha256;
import org.sparkao.jobs.evaluate.run.CheckpointHash;
import org.sparkao.jobs.gpu.DevicePlanner;
import org.sparkao.jobs.gpu.DeviceRequest;
import org.sparkao.jobs.job.Console;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.job.JobCalls;
import org.sparkao.jobs.job.ProgramVersion;
import org.sparkao.jobs.job.RunNames;
import org.sparkao.jobs.quantize.run.Ownership;
import org.sparkao.jobs.spark.SparkLease;
import org.sparkao.jobs.storage.CheckpointLocation;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.sweep.plan.KeyedCell;
import org.sparkao.jobs.sweep.plan.PlannedModel;
import org.sparkao.jobs.sweep.plan.SweepPlan;
import org.sparkao.jobs.sweep.plan.SweepPlanText;
import org.sparkao.jobs.sweep.report.SweepReport;
import org.sparkao.jobs.sweep.report.SweepView;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.RunRow;
import org.sparkao.jobs.table.SweepRow;

/** One start of a sweep: what is missing, the comparisons, the rows, the page. */
public final class SweepDriver {
  /** The kernels that it needs on a GPU, those of evaluate. */
  private static final String KERNELS = "layer";

  private final Ownership ownership;
  private final JobCalls jobs;
  private final Config config;
  private final Console console;
  private final int parallel;
  private final String page;
  private final Storage storage;
  private final DeltaStore store;

  /**
   * A start, not yet begun.
   *
   * @param ownership of the sweep's folder
   * @param parallel recipes that are worked at at once
   * @param page file to write
   */
  public SweepDriver(Ownership ownership, JobCalls jobs, int parallel, String page) {
    this.ownership = ownership;
    this.jobs = jobs;
    this.config = jobs.config();
    this.console = jobs.console();
    this.parallel = parallel;
    this.page = page;
    this.storage = Storage.ofAssignments(config.all(CommonKeys.CONF));
    this.store = new DeltaStore(storage, config.value(CommonKeys.TABLES));
  }

  /** Runs to the end. */
  public ExitCode run(SweepPlan plan) throws IOException, InterruptedException {
    SweepState state = SweepState.read(store, plan.definition().name());
    try (LazySpark spark = new LazySpark(plan)) {
      Map<String, String> hashes = hashes(plan, state, spark);
      List<KeyedCell> cells =
          plan.cells().stream()
              .map(cell -> KeyedCell.of(cell, hashes.get(cell.recipe().model().name())))
              .toList();
      Predicate<KeyedCell> isDone = cell -> state.done(cell.key()).isPresent();
      Map<Object, KeyedCell> byPlace = new HashMap<>();
      cells.forEach(cell -> byPlace.put(cell.planned().place(), cell));
      SweepPlanText.lines(plan, cell -> isDone.test(byPlace.get(cell.place())))
          .forEach(console.out()::println);
      SweepRequest request = new SweepRequest(plan, cells, ownership.runId(), parallel);
      List<KeyedCell> missing = cells.stream().filter(isDone.negate()).toList();
      boolean computes = missing.stream().anyMatch(cell -> cell.planned().refusal().isEmpty());
      if (!computes
          && !ownership.resumed()
          && !new Comparisons(store, plan.definition(), state, cells).areMissing()) {
        return nothingToDo(request, state, missing);
      }
      return work(request, missing, spark);
    }
  }

  /** Spark, from when it is needed. */
  private final class LazySpark implements AutoCloseable {
    private final SweepPlan plan;
    private Optional<SparkLease> lease = Optional.empty();

    private LazySpark(SweepPlan plan) {
      this.plan = plan;
    }

    private SparkLease open() {
      if (lease.isEmpty()) {
        lease =
            Optional.of(
                SparkLease.open(
                    config, "sparkao sweep " + plan.definition().name(), settings(plan)));
        SparkContext context = lease.orElseThrow().context();
        ownership.whenLost(
            why -> {
              if (!context.isStopped()) {
                context.cancelAllJobs();
              }
            });
      }
      return lease.orElseThrow();
    }

    private String applicationId() {
      return lease.map(open -> open.context().applicationId()).orElse("none");
    }

    @Override
    public void close() {
      lease.ifPresent(SparkLease::close);
    }
  }

  private Map<String, String> settings(SweepPlan plan) {
    boolean processorAlone =
        plan.cells().stream()
            .flatMap(cell -> cell.task().stream())
            .allMatch(
                task ->
                    task.options()
                        .getOrDefault("device", List.of())
                        .equals(List.of(DeviceRequest.CPU.configName())));
    return new DevicePlanner(KERNELS)
        .plan(processorAlone ? DeviceRequest.CPU : DeviceRequest.AUTO, config, Optional::empty)
        .sparkSettings();
  }

  /** The content of each model, read only where no earlier run has. */
  private Map<String, String> hashes(SweepPlan plan, SweepState state, LazySpark spark)
      throws IOException {
    Map<String, String> hashes = new HashMap<>();
    for (PlannedModel model : plan.models()) {
      Optional<String> known = state.modelHash(model);
      if (!model.refusal().isEmpty()) {
        hashes.put(model.name(), "-");
      } else if (known.isPresent()) {
        hashes.put(model.name(), known.orElseThrow());
      } else {
        hashes.put(
            model.name(),
            CheckpointHash.of(
                CheckpointLocation.of(model.location()).open(storage),
                spark.open().context(),
                storage,
                ownership.runId()));
      }
    }
    return hashes;
  }

  private ExitCode nothingToDo(SweepRequest request, SweepState state, List<KeyedCell> missing)
      throws IOException {
    SweepView view = view(request, state, row(request, state, Instant.now(), Optional.empty()));
    console.out().println();
    SweepReport.lines(view).forEach(console.out()::println);
    console.out().println();
    console.out().println("nothing to do: every cell that can be computed was");
    ownership.finish();
    return missing.isEmpty() ? ExitCode.NOTHING_TO_DO : ExitCode.SOME_FAILED;
  }

  private ExitCode work(SweepRequest request, List<KeyedCell> missing, LazySpark spark)
      throws IOException, InterruptedException {
    boolean computes = missing.stream().anyMatch(cell -> cell.planned().refusal().isEmpty());
    if (computes) {
      spark.open();
    }
    RunRow run = runRow(request, spark.applicationId());
    ownership.requireStillMine();
    store.replaceRun(run);
    SweepState before = SweepState.read(store, request.plan().definition().name());
    store.replace(
        SweepRow.TABLE,
        request.runId(),
        List.of(row(request, before, run.startedAt(), Optional.empty()).toRow()));
    try {
      if (computes) {
        new SweepRun(request, ownership, config, console, spark.open().context()).run(missing);
      }
      return end(request, run);
    } catch (IOException | InterruptedException | RuntimeException e) {
      try {
        if (ownership.isMine()) {
          store.replaceRun(run.with(RunRow.Status.FAILED, Instant.now()));
        }
      } catch (IOException | RuntimeException suppressed) {
        e.addSuppressed(suppressed);
      }
      throw e;
    }
  }

  private ExitCode end(SweepRequest request, RunRow run) throws IOException {
    String name = request.plan().definition().name();
    ownership.requireStillMine();
    new Comparisons(
            store, request.plan().definition(), SweepState.read(store, name), request.cells())
        .make(request.runId());
    SweepState state = SweepState.read(store, name);
    SweepRow.Counts counts = counts(request, state);
    ExitCode code =
        counts.regressions() > 0
            ? ExitCode.REGRESSION
            : counts.failed() > 0 ? ExitCode.SOME_FAILED : ExitCode.DONE;
    SweepRow row = row(request, state, run.startedAt(), Optional.of(code));
    store.replace(SweepRow.TABLE, request.runId(), List.of(row.toRow()));
    store.replaceRun(run.with(RunRow.Status.DONE, Instant.now()));
    SweepView view = view(request, state, row);
    console.out().println();
    SweepReport.lines(view).forEach(console.out()::println);
    storage.writeText(page, SweepReport.page(view));
    console.out().println();
    console.out().println("wrote " + page);
    console
        .out()
        .println(
            "run "
                + request.runId()
                + " is done: "
                + counts.computed()
                + " cells computed, "
                + counts.kept()
                + " kept, "
                + counts.failed()
                + " failed, "
                + counts.regressions()
                + " regressions");
    ownership.finish();
    return code;
  }

  private static SweepView view(SweepRequest request, SweepState state, SweepRow row) {
    return new SweepView(
        row,
        request.cells().stream().flatMap(cell -> state.find(cell.key()).stream()).toList(),
        state.comparisons());
  }

  private static SweepRow.Counts counts(SweepRequest request, SweepState state) {
    long cells = request.cells().size();
    long done = request.cells().stream().filter(cell -> state.done(cell.key()).isPresent()).count();
    long computed =
        request.cells().stream()
            .flatMap(cell -> state.done(cell.key()).stream())
            .filter(row -> row.runId().equals(request.runId()))
            .count();
    long regressions =
        state.comparisons().stream()
            .filter(row -> row.runId().equals(request.runId()) && row.verdict().regressed() == 1)
            .count();
    return new SweepRow.Counts(cells, computed, done - computed, cells - done, regressions);
  }

  private SweepRow row(
      SweepRequest request, SweepState state, Instant start, Optional<ExitCode> code) {
    return new SweepRow(
        request.runId(),
        request.plan().definition().name(),
        request.plan().definition().text(),
        request.plan().output(),
        counts(request, state),
        code.map(ended -> (long) ended.code()),
        start,
        code.map(ended -> Instant.now()));
  }

  private RunRow runRow(SweepRequest request, String applicationId) throws IOException {
    Sha256 fingerprint = new Sha256();
    request.cells().forEach(cell -> fingerprint.line(cell.key()));
    return new RunRow(
        request.runId(),
        "sweep",
        RunNames.json(config.arguments()),
        RunNames.json(config.effective()),
        ProgramVersion.current(),
        fingerprint.hex(),
        RunRow.Status.RUNNING,
        ownership.runStart(),
        Optional.empty(),
        applicationId,
        new RunRow.Volume(
            request.plan().definition().name(),
            storage.folder(request.plan().output()).location(),
            request.cells().size() + " cells",
            request.plan().models().stream().mapToLong(PlannedModel::bytes).sum(),
            0,
            0,
            0,
            0));
  }
}
