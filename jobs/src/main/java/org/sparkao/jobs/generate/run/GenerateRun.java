package org.sparkao.jobs.generate.run;

import java.io.IOException;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.SparkContext;
import org.sparkao.jobs.config.CommonKeys;
import org.sparkao.jobs.config.Config;
import org.sparkao.jobs.evaluate.plan.Sha256;
import org.sparkao.jobs.evaluate.run.CheckpointHash;
import org.sparkao.jobs.evaluate.run.ExecutorModel;
import org.sparkao.jobs.gpu.ExecutorCount;
import org.sparkao.jobs.gpu.PlannedDevice;
import org.sparkao.jobs.job.Console;
import org.sparkao.jobs.job.ProgramVersion;
import org.sparkao.jobs.job.RunNames;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.RunRow;
import org.sparkao.jobs.table.TableRow;
import org.sparkao.quant.QuantException;

/**
 * Carries out a plan. A file that is there is whole and is kept: a killed run goes on with the same
 * command, in the parts that the first one chose.
 */
public final class GenerateRun {
  private static final String DEVICE_USED = "device-used";

  private final GenerateRequest request;
  private final PlannedDevice device;
  private final Config config;
  private final Console console;
  private final Storage storage;
  private final DeltaStore store;
  private final SampleFolder output;

  /** A run, not yet begun. */
  public GenerateRun(GenerateRequest request, PlannedDevice device, Config config, Console console)
      throws IOException {
    this.request = request;
    this.device = device;
    this.config = config;
    this.console = console;
    this.storage = Storage.ofAssignments(config.all(CommonKeys.CONF));
    this.store = new DeltaStore(storage, config.value(CommonKeys.TABLES));
    this.output = new SampleFolder(storage.folder(request.output()));
  }

  /**
   * Refuses an output that holds something else.
   *
   * @param folder URI of the output
   */
  public static void requireUsable(Storage storage, String folder) throws IOException {
    new SampleFolder(storage.folder(folder)).requireEmptyOrNoted();
  }

  /**
   * Runs to the end.
   *
   * @return name of the run
   * @throws QuantException when the model cannot be run, or output or name are another run's
   */
  public String run(SparkContext spark) throws IOException, InterruptedException {
    ExecutorModel.hold();
    try {
      return generate(spark);
    } finally {
      ExecutorModel.release();
    }
  }

  private String generate(SparkContext spark) throws IOException {
    String name = config.find(CommonKeys.RUN_ID).orElseGet(() -> RunNames.next("generate"));
    PartStage stage = new PartStage(spark, name, request, device);
    String hash = CheckpointHash.of(request.checkpoint(), spark, storage, name);
    PartOutcome who = stage.who();
    String numerics = who.way();
    console.out().println("numerics: " + numerics);
    console.out().println(who.places() + " sequences at a time");
    String fingerprint =
        new Sha256().line(hash).line(numerics).line(request.plan().fingerprint()).hex();
    Optional<SampleFolder.Note> begun = output.noteOf(fingerprint);
    String runId =
        config.isSet(CommonKeys.RUN_ID) ? name : begun.map(SampleFolder.Note::runId).orElse(name);
    Instant start = start(runId, fingerprint);
    int wanted = request.settings().partitions().orElse(parts(who.places(), spark));
    SampleFolder.Note note = output.claim(new SampleFolder.Note(runId, fingerprint, wanted));
    List<SamplePart> parts = SamplePart.cut(request.plan().prompts(), note.parts());
    Row row = new Row(runId, fingerprint, start, spark.applicationId(), numerics);
    RunRow run = row(row, parts);
    store.replaceRun(run);
    try {
      List<SamplePart> missing = output.missing(parts);
      if (missing.size() < parts.size()) {
        console
            .err()
            .println(parts.size() - missing.size() + " of " + parts.size() + " files are there");
      }
      stage.compute(missing, hash, numerics, console);
      output.clean();
      store.replaceRun(row(row, parts).with(RunRow.Status.DONE, Instant.now()));
    } catch (QuantException e) {
      ended(run.with(RunRow.Status.REFUSED, Instant.now()), e);
      throw e;
    } catch (IOException | RuntimeException e) {
      ended(run.with(RunRow.Status.FAILED, Instant.now()), e);
      throw e;
    }
    return runId;
  }

  /** As many as batches, and nothing that computes without one. */
  private int parts(int places, SparkContext spark) {
    int samples = request.plan().prompts().size();
    int batch = Math.min(places, request.settings().batch());
    return Math.max((samples + batch - 1) / batch, ExecutorCount.of(spark, device).all());
  }

  private void ended(RunRow run, Exception failure) {
    try {
      store.replaceRun(run);
    } catch (IOException | RuntimeException e) {
      failure.addSuppressed(e);
    }
  }

  /** When the run of this name began; refuses a name that is another run's. */
  private Instant start(String runId, String fingerprint) throws IOException {
    Instant start = Instant.now();
    for (TableRow row : store.read(RunRow.TABLE, runId)) {
      if (!row.text("fingerprint").equals(fingerprint)) {
        throw new QuantException(
            config.value(CommonKeys.TABLES)
                + ": run "
                + runId
                + " is in the tables already and was another one ("
                + row.text("job")
                + ", "
                + row.text("source")
                + ", "
                + row.text("status")
                + "); choose another --run-id, or leave it out");
      }
      start = row.instant("started_at");
    }
    return start;
  }

  /** What of its row is known before anything is computed. */
  private record Row(
      String runId, String fingerprint, Instant start, String applicationId, String numerics) {}

  /** The row as long as it runs, with the bytes that are written. */
  private RunRow row(Row known, List<SamplePart> parts) throws IOException {
    return new RunRow(
        known.runId,
        "generate",
        RunNames.json(config.arguments()),
        RunNames.json(effective()),
        ProgramVersion.current(),
        known.fingerprint,
        RunRow.Status.RUNNING,
        known.start,
        Optional.empty(),
        known.applicationId,
        new RunRow.Volume(
            request.checkpoint().location(),
            output.location(),
            known.numerics,
            request.checkpoint().totalBytes(),
            output.bytes(parts),
            request.checkpoint().tensors().size(),
            0,
            parts.size()));
  }

  private Map<String, List<String>> effective() {
    Map<String, List<String>> effective = new LinkedHashMap<>(config.effective());
    effective.put(DEVICE_USED, List.of(device.name(), device.why()));
    return effective;
  }
}
