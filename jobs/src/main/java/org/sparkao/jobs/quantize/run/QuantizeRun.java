package org.sparkao.jobs.quantize.run;

import java.io.IOException;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.spark.SparkContext;
import org.apache.spark.util.LongAccumulator;
import org.sparkao.jobs.config.CommonKeys;
import org.sparkao.jobs.config.Config;
import org.sparkao.jobs.evaluate.run.CheckpointHash;
import org.sparkao.jobs.gpu.DevicePlan;
import org.sparkao.jobs.job.Console;
import org.sparkao.jobs.job.ProgramVersion;
import org.sparkao.jobs.job.RunNames;
import org.sparkao.jobs.quantize.plan.CalibrationFolder;
import org.sparkao.jobs.quantize.plan.GivenFiles;
import org.sparkao.jobs.quantize.plan.QuantizePlan;
import org.sparkao.jobs.quantize.plan.ShardTask;
import org.sparkao.jobs.quantize.run.Planned.SourceFile;
import org.sparkao.jobs.spark.Background;
import org.sparkao.jobs.spark.SparkLease;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.storage.WorkFolder;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.RunRow;
import org.sparkao.jobs.table.TableRow;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.calibration.CalibrationInfo;

/** Carries out a plan: claim, missing files, rows, final files. */
public final class QuantizeRun {
  /** Key in the configuration of the run's row for what was decided. */
  private static final String DEVICE_USED = "device-used";

  private final RunRequest request;
  private final DevicePlan.Decided device;
  private final Config config;
  private final Console console;
  private final Storage storage;
  private final Folder output;

  /** A run, not yet begun. */
  public QuantizeRun(RunRequest request, DevicePlan.Decided device, Config config, Console console)
      throws IOException {
    this.request = request;
    this.device = device;
    this.config = config;
    this.console = console;
    this.storage = Storage.ofAssignments(config.all(CommonKeys.CONF));
    this.output = storage.folder(request.output());
  }

  /**
   * Runs to the end.
   *
   * @return name of the run
   * @throws QuantException when another driver has the output, or weights were refused
   */
  public String run() throws IOException, InterruptedException {
    QuantizePlan plan = request.plan();
    if (config.isSet(CommonKeys.RUN_ID) && output.list(WorkFolder.NAME).isEmpty()) {
      requireNew(config.value(CommonKeys.RUN_ID));
    }
    try (Ownership ownership =
        Ownership.take(
            output,
            plan.fingerprint(),
            config.find(CommonKeys.RUN_ID),
            () -> RunNames.next("quantize"),
            Ownership.PACE)) {
      String name = "sparkao quantize " + ownership.runId();
      try (SparkLease spark = SparkLease.open(config, name, device.sparkSettings())) {
        work(ownership, spark.context());
        ownership.finish();
      }
      return ownership.runId();
    }
  }

  /** Rows of a run are told apart by its name alone. */
  private void requireNew(String runId) throws IOException {
    String tables = config.value(CommonKeys.TABLES);
    for (TableRow run : new DeltaStore(storage, tables).read(RunRow.TABLE, runId)) {
      throw new QuantException(
          tables
              + ": run "
              + runId
              + " is in the tables already ("
              + run.text("output")
              + ", "
              + run.text("scheme")
              + ", "
              + run.text("status")
              + "); choose another --run-id, or leave it out");
    }
  }

  /** Whatever happens, the tables say how it ended. */
  private void work(Ownership ownership, SparkContext spark)
      throws IOException, InterruptedException {
    QuantizePlan plan = request.plan();
    RowCommitter committer =
        new RowCommitter(
            new DeltaStore(storage, config.value(CommonKeys.TABLES)),
            output,
            ownership,
            new OutcomeRows(
                ownership.runId(), plan.fingerprint(), plan.arithmetic(), request::learned),
            plan.shards());
    RunRow run = row(ownership, spark.applicationId());
    // Tables that cannot be written are found before the first weight is read.
    committer.runIs(run);
    FinalFiles files = new FinalFiles(storage.folder(request.source().location()), output, plan);
    try {
      requireCalibrated(spark, ownership.attempt());
      writeFiles(ownership, spark, committer);
      ownership.requireStillMine();
      files.write(provenance(ownership.runId()));
      committer.runIs(run.with(RunRow.Status.DONE, Instant.now()));
    } catch (RefusedInputException e) {
      committer.runIs(run.with(RunRow.Status.REFUSED, Instant.now()));
      // First what a file could still be made from.
      ownership.finish();
      files.remove();
      throw new QuantException(e.getMessage(), e);
    } catch (IOException | InterruptedException | RuntimeException e) {
      failed(ownership, committer, run, e);
      throw e;
    }
  }

  /** Headers do not tell a checkpoint from another of its shape: all of it is read and hashed. */
  private void requireCalibrated(SparkContext spark, String group) throws IOException {
    if (request.given().statistics().isEmpty()) {
      return;
    }
    CalibrationFolder statistics = request.given().statistics().get();
    CalibrationInfo.Origin calibrated = statistics.statistics().info().checkpoint();
    console.err().println("comparing the checkpoint with the one that was calibrated");
    String found = CheckpointHash.of(request.source(), spark, storage, group);
    if (!found.equals(calibrated.sha256())) {
      throw new RefusedInputException(
          statistics.location()
              + ": is of another checkpoint, "
              + calibrated.location()
              + " with SHA-256 "
              + calibrated.sha256()
              + ", not of "
              + request.source().location()
              + " with "
              + found
              + "; calibrate this checkpoint",
          null);
    }
  }

  /** What another driver has taken over is its to tell. */
  private static void failed(
      Ownership ownership, RowCommitter committer, RunRow run, Exception failure) {
    try {
      if (ownership.isMine()) {
        committer.runIs(run.with(RunRow.Status.FAILED, Instant.now()));
      }
    } catch (IOException | RuntimeException e) {
      failure.addSuppressed(e);
    }
  }

  private void writeFiles(Ownership ownership, SparkContext spark, RowCommitter committer)
      throws IOException, InterruptedException {
    List<ShardTask> all = request.plan().shards();
    Set<String> done = ownership.resumed() ? committer.recover() : Set.of();
    if (ownership.resumed()) {
      removeAbandonedParts();
    }
    if (!done.isEmpty()) {
      console.err().println(done.size() + " of " + all.size() + " files are done already");
    }
    stage(
        ownership,
        spark,
        committer,
        all.stream().filter(shard -> !done.contains(shard.file())).toList());
  }

  /** Nobody finishes what a dead driver's tasks began, and it takes space. */
  private void removeAbandonedParts() throws IOException {
    for (String name : output.list(WorkFolder.NAME)) {
      if (WorkFolder.isPart(name)) {
        output.delete(WorkFolder.NAME + "/" + name);
      }
    }
    output.abortUploads();
  }

  private void stage(
      Ownership ownership, SparkContext spark, RowCommitter committer, List<ShardTask> missing)
      throws IOException, InterruptedException {
    long bytes = missing.stream().mapToLong(ShardTask::sourceBytes).sum();
    long tensors = missing.stream().mapToLong(shard -> shard.tensors().size()).sum();
    LongAccumulator bytesRead = spark.longAccumulator("bytes read");
    RunTimes times = new RunTimes();
    try (Progress progress = new Progress(console, bytesRead, bytes, tensors);
        Background background = new Background()) {
      ShardStage stage =
          new ShardStage(
              spark,
              ownership.attempt(),
              outcome -> {
                committer.add(outcome);
                times.add(outcome);
                progress.finished(outcome.tensors().size());
              });
      background.start("commit", committer::commitUntil, stage::cancel);
      ownership.whenLost(stage::cancel);
      spark.addSparkListener(progress);
      Optional<String> refusal;
      long begin = System.nanoTime();
      try {
        refusal = stage.run(missing, new ShardWork(settings(), bytesRead), description(missing));
      } catch (IOException | RuntimeException e) {
        background.end();
        committer.flush();
        throw e;
      } finally {
        spark.removeSparkListener(progress);
      }
      List<String> summary = times.lines(System.nanoTime() - begin);
      progress.doing("recording the rows of finished files in the tables");
      background.end();
      if (refusal.isPresent()) {
        throw new RefusedInputException(refusal.orElseThrow(), null);
      }
      committer.flush();
      summary.forEach(console.err()::println);
    }
  }

  private String description(List<ShardTask> missing) {
    return "Quantize "
        + request.source().location()
        + " to "
        + request.scheme()
        + ": write "
        + missing.size()
        + " files";
  }

  private ShardSettings settings() {
    GivenFiles given = request.given();
    return new ShardSettings(
        Planned.of(request.source()),
        calibration(),
        given.learned().map(scales -> Planned.of(scales.place())).orElse(Planned.NONE),
        output.location(),
        request.plan().arithmetic(),
        request.plan().smoothing(),
        request.plan().nonFinite(),
        device.device());
  }

  /** One of the two, if any. */
  private Planned calibration() {
    Optional<Planned> statistics =
        request
            .given()
            .statistics()
            .map(
                folder ->
                    new Planned(
                        folder.location(), folder.files().stream().map(SourceFile::of).toList()));
    return statistics.or(() -> request.given().inputScales().map(Planned::of)).orElse(Planned.NONE);
  }

  private RunRow row(Ownership ownership, String applicationId) {
    QuantizePlan.Totals totals = request.plan().totals();
    return new RunRow(
        ownership.runId(),
        "quantize",
        RunNames.json(config.arguments()),
        RunNames.json(effective()),
        ProgramVersion.current(),
        request.plan().fingerprint(),
        RunRow.Status.RUNNING,
        ownership.runStart(),
        Optional.empty(),
        applicationId,
        new RunRow.Volume(
            request.source().location(),
            output.location(),
            request.scheme(),
            totals.sourceBytes(),
            totals.outputBytes(),
            totals.tensors(),
            totals.quantized(),
            request.plan().shards().size()));
  }

  private Map<String, List<String>> effective() {
    Map<String, List<String>> effective = new LinkedHashMap<>(config.effective());
    effective.put(DEVICE_USED, List.of(device.device().name(), device.device().why()));
    return effective;
  }

  private Map<String, Object> provenance(String runId) {
    Map<String, Object> provenance = new LinkedHashMap<>();
    provenance.put("program", "sparkao " + ProgramVersion.current());
    provenance.put("run_id", runId);
    provenance.put("fingerprint", request.plan().fingerprint());
    provenance.put("source", request.source().location());
    provenance.put("source_fingerprint", request.source().fingerprint());
    provenance.put("recipe", request.recipe());
    return provenance;
  }
}
