package org.sparkao.jobs.quantize.run;

import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.apache.spark.SparkContext;
import org.apache.spark.util.LongAccumulator;
import org.sparkao.jobs.config.CommonKeys;
import org.sparkao.jobs.config.Config;
import org.sparkao.jobs.job.Console;
import org.sparkao.jobs.job.ProgramVersion;
import org.sparkao.jobs.quantize.plan.QuantizePlan;
import org.sparkao.jobs.quantize.plan.ShardTask;
import org.sparkao.jobs.quantize.run.ShardSettings.SourceFile;
import org.sparkao.jobs.spark.SparkLease;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.RunRow;
import org.sparkao.jobs.table.TableRow;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.checkpoint.Shard;

/** Carries out a plan: claim, missing files, rows, final files. */
public final class QuantizeRun {
  private final RunRequest request;
  private final Config config;
  private final Console console;
  private final Storage storage;
  private final Folder output;

  /** A run, not yet begun. */
  public QuantizeRun(RunRequest request, Config config, Console console) throws IOException {
    this.request = request;
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
            output, plan.fingerprint(), config.find(CommonKeys.RUN_ID), RunNames::next)) {
      try (SparkLease spark = SparkLease.open(config, "sparkao quantize " + ownership.runId())) {
        work(ownership, spark.context());
        output.delete(WorkFolder.NAME);
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

  private void work(Ownership ownership, SparkContext spark)
      throws IOException, InterruptedException {
    QuantizePlan plan = request.plan();
    RowCommitter committer =
        new RowCommitter(
            new DeltaStore(storage, config.value(CommonKeys.TABLES)),
            output,
            ownership,
            new OutcomeRows(ownership.runId(), plan.fingerprint(), plan.arithmetic()),
            plan.shards());
    Set<String> done = ownership.resumed() ? committer.recover() : Set.of();
    List<ShardTask> missing =
        plan.shards().stream().filter(shard -> !done.contains(shard.file())).toList();
    if (ownership.resumed()) {
      removeAbandonedParts();
    }
    if (!done.isEmpty()) {
      console
          .err()
          .println(done.size() + " of " + plan.shards().size() + " files are done already");
    }
    RunRow run = row(ownership, spark.applicationId());
    Optional<String> refusal = stage(ownership, spark, committer, run, missing);
    if (refusal.isPresent()) {
      committer.runIs(run.with(RunRow.Status.REFUSED, Instant.now()));
      FinalFiles.remove(output, plan.shards());
      throw new QuantException(refusal.orElseThrow());
    }
    ownership.requireStillMine();
    new FinalFiles(storage.folder(request.source().location()), output, plan)
        .write(provenance(ownership.runId()));
    committer.runIs(run.with(RunRow.Status.DONE, Instant.now()));
  }

  /** Nobody finishes what a dead driver's tasks began, and it takes space. */
  private void removeAbandonedParts() throws IOException {
    for (String name : output.list(WorkFolder.NAME)) {
      if (WorkFolder.isPart(name)) {
        output.delete(WorkFolder.NAME + "/" + name);
      }
    }
  }

  private Optional<String> stage(
      Ownership ownership,
      SparkContext spark,
      RowCommitter committer,
      RunRow run,
      List<ShardTask> missing)
      throws IOException, InterruptedException {
    long bytes = missing.stream().mapToLong(ShardTask::sourceBytes).sum();
    long tensors = missing.stream().mapToLong(shard -> shard.tensors().size()).sum();
    LongAccumulator bytesRead = spark.longAccumulator("bytes read");
    try (Progress progress = new Progress(console, bytesRead, bytes, tensors);
        Background background = new Background()) {
      spark.addSparkListener(progress);
      ShardStage stage =
          new ShardStage(
              spark,
              ownership.runId(),
              outcome -> {
                committer.add(outcome);
                progress.finished(outcome.tensors().size());
              });
      background.start(
          "commit",
          end -> {
            committer.runIs(run);
            committer.commitUntil(end);
          },
          stage::cancel);
      background.start(
          "heartbeat",
          end -> {
            while (!end.await(Claim.SILENCE.toSeconds() / 6, TimeUnit.SECONDS)) {
              ownership.beat();
            }
          },
          stage::cancel);
      try {
        Optional<String> refusal =
            stage.run(missing, new ShardWork(settings(), bytesRead), description(missing));
        progress.doing("recording the rows of finished files in the tables");
        background.end();
        if (refusal.isEmpty()) {
          ownership.requireStillMine();
          committer.flush();
        }
        return refusal;
      } catch (IOException | RuntimeException e) {
        background.end();
        committer.flush();
        committer.runIs(run.with(RunRow.Status.FAILED, Instant.now()));
        throw e;
      }
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
    List<SourceFile> files = new ArrayList<>();
    for (Shard shard : request.source().shards()) {
      files.add(new SourceFile(shard.file().name(), shard.file().size(), shard.file().version()));
    }
    return new ShardSettings(
        request.source().location(),
        request.calibration().map(Checkpoint::location).orElse(""),
        output.location(),
        request.plan().arithmetic(),
        request.plan().nonFinite(),
        files);
  }

  private RunRow row(Ownership ownership, String applicationId) {
    QuantizePlan.Totals totals = request.plan().totals();
    return new RunRow(
        ownership.runId(),
        "quantize",
        RunNames.json(request.effective()),
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
