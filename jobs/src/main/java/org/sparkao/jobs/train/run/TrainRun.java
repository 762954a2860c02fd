package org.sparkao.jobs.train.run;

import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.apache.spark.SparkContext;
import org.sparkao.gpu.fake.FakeSettings.Ranges;
import org.sparkao.jobs.config.CommonKeys;
import org.sparkao.jobs.config.Config;
import org.sparkao.jobs.evaluate.run.ModelForm;
import org.sparkao.jobs.evaluate.run.ModelRequest;
import org.sparkao.jobs.gpu.ExecutorCount;
import org.sparkao.jobs.job.Console;
import org.sparkao.jobs.job.ProgramVersion;
import org.sparkao.jobs.job.RunNames;
import org.sparkao.jobs.job.StatusLine;
import org.sparkao.jobs.quantize.run.Ownership;
import org.sparkao.jobs.quantize.run.Planned;
import org.sparkao.jobs.spark.TextStage;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.storage.WorkFolder;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.RunRow;
import org.sparkao.jobs.table.TrainStepRow;
import org.sparkao.jobs.train.plan.TrainMode;
import org.sparkao.jobs.train.plan.TrainOptions;
import org.sparkao.jobs.train.plan.TrainPlan;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.checkpoint.Checkpoint;

/** Carries a plan out: claim, units, rows, files of the output. */
public final class TrainRun {
  private final TrainRequest request;
  private final Config config;
  private final Console console;
  private final DeltaStore store;
  private final Folder output;
  private final UnitFiles files;
  private final TrainOutput result;

  /** A run, not yet begun. */
  public TrainRun(TrainRequest request, Config config, Console console) throws IOException {
    this.request = request;
    this.config = config;
    this.console = console;
    Storage storage = Storage.ofAssignments(config.all(CommonKeys.CONF));
    this.store = new DeltaStore(storage, config.value(CommonKeys.TABLES));
    this.output = storage.folder(request.output());
    this.files = new UnitFiles(output);
    this.result = new TrainOutput(storage.folder(checkpoint().location()), output);
  }

  /**
   * Runs to the end.
   *
   * @return name of the run
   * @throws QuantException when it does not fit, or another driver has the output
   */
  public String run(SparkContext spark) throws IOException, InterruptedException {
    TrainPlan plan = request.plan();
    TrainWork work = new TrainWork(settings());
    TextStage asking = new TextStage(spark, "sparkao train: memory");
    UnitOutcome has =
        run(asking, told -> asking.run(List.of(UnitTask.NOTHING), work, "Ask for memory", told));
    plan.memory().require(has.heapBytes(), has.gpuBytes(), tasksOfOneHeap(spark));
    requireNew();
    try (Ownership ownership =
        Ownership.take(
            output,
            plan.fingerprint(),
            config.find(CommonKeys.RUN_ID),
            () -> RunNames.next("train"),
            Ownership.PACE)) {
      RunRow run = row(ownership, spark.applicationId());
      store.replaceRun(run);
      try {
        train(ownership, spark, work);
        finish(ownership, spark);
        store.replaceRun(run.with(RunRow.Status.DONE, Instant.now()));
      } catch (QuantException e) {
        ended(ownership, run.with(RunRow.Status.REFUSED, Instant.now()), e);
        throw e;
      } catch (IOException | RuntimeException e) {
        ended(ownership, run.with(RunRow.Status.FAILED, Instant.now()), e);
        throw e;
      }
      ownership.finish();
      return ownership.runId();
    }
  }

  /** Tasks that may have to share the memory of one JVM; those of blocks take turns. */
  private int tasksOfOneHeap(SparkContext spark) {
    if (request.plan().options().mode() == TrainMode.BLOCK) {
      ExecutorCount has = ExecutorCount.of(spark, request.device());
      return Math.min(has.devices(), blockTasks(has));
    }
    int workers = request.plan().options().averaging().workers();
    if (spark.isLocal()) {
      int threads = spark.defaultParallelism();
      if (threads < workers) {
        throw new QuantException(
            "--workers "
                + workers
                + ": they run at the same time, and --master "
                + spark.master()
                + " has "
                + threads
                + " threads; choose fewer, or --master 'local["
                + workers
                + "]'");
      }
      return workers;
    }
    int cores = spark.conf().getInt("spark.executor.cores", workers);
    int perTask = spark.conf().getInt("spark.task.cpus", 1);
    return Math.max(1, Math.min(workers, cores / perTask));
  }

  private int blockTasks(ExecutorCount has) {
    return request.plan().blockTasks(request.partitions().orElse(has.all()));
  }

  /** Rows of a run are told apart by its name alone. */
  private void requireNew() throws IOException {
    if (config.isSet(CommonKeys.RUN_ID) && output.list(WorkFolder.NAME).isEmpty()) {
      String runId = config.value(CommonKeys.RUN_ID);
      if (!store.read(RunRow.TABLE, runId).isEmpty()) {
        throw new QuantException(
            config.value(CommonKeys.TABLES)
                + ": run "
                + runId
                + " is in the tables already; choose another --run-id, or leave it out");
      }
    }
  }

  /** What another driver has taken over is its to tell. */
  private void ended(Ownership ownership, RunRow run, Exception failure) {
    try {
      if (ownership.isMine()) {
        store.replaceRun(run);
      }
    } catch (IOException | RuntimeException e) {
      failure.addSuppressed(e);
    }
  }

  private List<Integer> units() {
    return request.plan().options().mode() == TrainMode.MODEL
        ? List.of(UnitTask.MODEL)
        : IntStream.range(0, request.plan().units()).boxed().toList();
  }

  private TrainSettings settings() {
    return new TrainSettings(
        model(request.student()),
        model(request.teacher().orElse(request.student())),
        output.location(),
        request.plan().options(),
        request.plan().schemes(),
        request.plan().stored(),
        request.plan().scales().map(scales -> Planned.of(scales.place())).orElse(Planned.NONE),
        request.saveEvery());
  }

  private Checkpoint checkpoint() {
    return request.student().checkpoint();
  }

  private ModelRequest model(TrainSource source) {
    int longest = request.plan().options().sequenceLength();
    return new ModelRequest(
        source.checkpoint().location(),
        source.onlyFile().orElse(""),
        ModelRequest.filesOf(source.checkpoint()),
        request.device(),
        ModelForm.of(request.plan().options().compute().arithmetic()),
        new ModelRequest.Capacity(longest, longest, 0, ModelRequest.Decoding.OF_ITEMS));
  }

  private void train(Ownership ownership, SparkContext spark, TrainWork work) throws IOException {
    TrainOptions options = request.plan().options();
    TextStage stage = new TextStage(spark, ownership.attempt());
    TrainProgress progress =
        new TrainProgress(files, units(), options.steps(), options.stepTokens());
    List<UnitTask> tasks = tasks(spark);
    String description = "Train " + checkpoint().location();
    ownership.whenLost(stage::cancel);
    StatusLine line = new StatusLine(console, progress::line);
    try {
      if (options.averaging().isShared()) {
        run(stage, told -> stage.runTogether(tasks, work, description, told));
      } else {
        run(stage, told -> stage.run(tasks, work, description, told));
      }
    } finally {
      line.close();
    }
    console.err().println(progress.line());
  }

  /** Neighbouring blocks, as evenly as can be. */
  private List<UnitTask> tasks(SparkContext spark) {
    TrainPlan plan = request.plan();
    if (plan.options().mode() == TrainMode.MODEL) {
      return Collections.nCopies(
          plan.options().averaging().workers(), new UnitTask(UnitTask.MODEL, 0, plan.sequences()));
    }
    int blocks = plan.units();
    int count = blockTasks(ExecutorCount.of(spark, request.device()));
    List<UnitTask> tasks = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int first = (int) ((long) blocks * i / count);
      int end = (int) ((long) blocks * (i + 1) / count);
      tasks.add(new UnitTask(first, end, plan.sequences()));
    }
    return tasks;
  }

  /** Tasks as Spark runs them, which tell a text each. */
  @FunctionalInterface
  private interface Tasks {
    void run(Consumer<String> told) throws IOException;
  }

  /** Runs tasks; returns what the smallest executor has. */
  private static UnitOutcome run(TextStage stage, Tasks tasks) throws IOException {
    AtomicReference<String> refusal = new AtomicReference<>();
    AtomicReference<UnitOutcome> least =
        new AtomicReference<>(new UnitOutcome(Long.MAX_VALUE, Long.MAX_VALUE, ""));
    try {
      tasks.run(
          text -> {
            UnitOutcome outcome = UnitOutcome.fromJson(text);
            if (outcome.refusal().isEmpty()) {
              least.accumulateAndGet(outcome, UnitOutcome::least);
            } else if (refusal.compareAndSet(null, outcome.refusal())) {
              stage.cancel("refused");
            }
          });
    } catch (IOException e) {
      if (refusal.get() == null) {
        throw e;
      }
    }
    if (refusal.get() != null) {
      throw new QuantException(refusal.get());
    }
    return least.get();
  }

  private void finish(Ownership ownership, SparkContext spark) throws IOException {
    TrainOptions options = request.plan().options();
    List<String> values = new ArrayList<>();
    List<TrainStepRow> rows = new ArrayList<>();
    for (int unit : units()) {
      UnitState state =
          files
              .state(unit, options.steps())
              .filter(UnitState::isFinished)
              .orElseThrow(
                  () ->
                      new IOException(
                          output.location()
                              + ": unit "
                              + unit
                              + " is not finished after all tasks ended; run the same command"
                              + " again"));
      values.addAll(UnitFiles.values(state));
      state.records().forEach(record -> rows.add(row(ownership.runId(), unit, record)));
    }
    ownership.requireStillMine();
    store.replace(
        TrainStepRow.TABLE, ownership.runId(), rows.stream().map(TrainStepRow::toRow).toList());
    new TextStage(spark, ownership.attempt())
        .run(
            checkpoint().shards().stream().map(shard -> shard.file().name()).toList(),
            new OutputWork(model(request.student()), output.location(), values),
            "Write " + output.location(),
            file -> {});
    if (options.ranges() != Ranges.COMPUTED) {
      result.scales(request.plan(), units());
    }
    ownership.requireStillMine();
    result.finish(checkpoint(), provenance(ownership.runId()));
  }

  private TrainStepRow row(String runId, int unit, StepRecord record) {
    return new TrainStepRow(
        runId,
        request.plan().options().compute().toString(),
        unit,
        record.step(),
        record.loss(),
        record.learningRate(),
        record.gradientNorm(),
        record.tokens(),
        record.seconds(),
        record.scales());
  }

  private Map<String, Object> provenance(String runId) {
    Map<String, Object> provenance = new LinkedHashMap<>();
    provenance.put("program", "sparkao " + ProgramVersion.current());
    provenance.put("run_id", runId);
    provenance.put("fingerprint", request.plan().fingerprint());
    provenance.put("source", checkpoint().location());
    provenance.put("source_fingerprint", checkpoint().fingerprint());
    request
        .teacher()
        .map(TrainSource::checkpoint)
        .ifPresent(
            teacher -> {
              provenance.put("teacher", teacher.location());
              provenance.put("teacher_fingerprint", teacher.fingerprint());
            });
    request
        .plan()
        .scales()
        .ifPresent(scales -> provenance.put("initial_scales", scales.location()));
    provenance.put("recipe", request.plan().options().toString());
    provenance.put("schemes", request.plan().schemes());
    return provenance;
  }

  private RunRow row(Ownership ownership, String applicationId) {
    TrainPlan plan = request.plan();
    Checkpoint checkpoint = checkpoint();
    return new RunRow(
        ownership.runId(),
        "train",
        RunNames.json(config.arguments()),
        RunNames.json(config.effective()),
        ProgramVersion.current(),
        plan.fingerprint(),
        RunRow.Status.RUNNING,
        ownership.runStart(),
        Optional.empty(),
        applicationId,
        new RunRow.Volume(
            checkpoint.location(),
            output.location(),
            config.effective().getOrDefault("scheme", List.of("none")).get(0),
            checkpoint.totalBytes(),
            checkpoint.totalBytes(),
            checkpoint.tensors().size(),
            plan.schemes().size(),
            checkpoint.shards().size()));
  }
}
