package org.sparkao.jobs.export.run;

import java.io.IOException;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.spark.SparkContext;
import org.apache.spark.util.LongAccumulator;
import org.sparkao.jobs.config.CommonKeys;
import org.sparkao.jobs.config.Config;
import org.sparkao.jobs.export.plan.ExportPlan;
import org.sparkao.jobs.export.plan.PlannedTensor;
import org.sparkao.jobs.job.Console;
import org.sparkao.jobs.job.ProgramVersion;
import org.sparkao.jobs.job.RunNames;
import org.sparkao.jobs.job.StatusLine;
import org.sparkao.jobs.job.Texts;
import org.sparkao.jobs.spark.TextStage;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.RunRow;
import org.sparkao.quant.QuantException;

/** Carries out a plan: parts by Spark's tasks, then the file, and a row in {@code runs}. */
public final class ExportRun {
  private final ExportPlan plan;
  private final OutputFile output;
  private final Config config;
  private final Console console;
  private final String runId;
  private final DeltaStore store;

  /** A run, not yet begun. */
  public ExportRun(ExportPlan plan, OutputFile output, Config config, Console console) {
    this.plan = plan;
    this.output = output;
    this.config = config;
    this.console = console;
    this.runId = config.find(CommonKeys.RUN_ID).orElseGet(() -> RunNames.next("export"));
    this.store =
        new DeltaStore(
            Storage.ofAssignments(config.all(CommonKeys.CONF)), config.value(CommonKeys.TABLES));
  }

  /**
   * Runs to the end.
   *
   * @return name of the run
   * @throws QuantException when the run's name is taken, or weights were refused
   */
  public String run(SparkContext spark) throws IOException {
    if (!store.read(RunRow.TABLE, runId).isEmpty()) {
      throw new QuantException(
          config.value(CommonKeys.TABLES)
              + ": run "
              + runId
              + " is in the tables already; choose another --run-id, or leave it out");
    }
    output.claim(runId);
    RunRow row = row(spark.applicationId());
    try {
      store.replaceRun(row);
      write(spark);
      store.replaceRun(row.with(RunRow.Status.DONE, Instant.now()));
    } catch (QuantException e) {
      ended(row.with(RunRow.Status.REFUSED, Instant.now()), e);
      throw e;
    } catch (IOException | RuntimeException e) {
      ended(row.with(RunRow.Status.FAILED, Instant.now()), e);
      throw e;
    } finally {
      output.release();
    }
    return runId;
  }

  /** What went wrong is told even where the tables cannot be. */
  private void ended(RunRow row, Exception failure) {
    try {
      store.replaceRun(row);
    } catch (IOException | RuntimeException e) {
      failure.addSuppressed(e);
    }
  }

  private void write(SparkContext spark) throws IOException {
    LongAccumulator read = spark.longAccumulator("bytes read");
    AtomicLong joined = new AtomicLong();
    long sourceBytes = plan.tensors().stream().mapToLong(PlannedTensor::sourceBytes).sum();
    StatusLine line =
        new StatusLine(
            console,
            () ->
                Texts.bytes(read.sum())
                    + " of "
                    + Texts.bytes(sourceBytes)
                    + " converted, "
                    + Texts.bytes(joined.get())
                    + " of "
                    + Texts.bytes(plan.dataBytes())
                    + " joined");
    try {
      List<PartTask> parts = PartTask.of(plan.files());
      Map<Integer, String> names = convert(spark, parts, read);
      // The first last: it is the one that readers open.
      for (int file = plan.files().size() - 1; file >= 0; file--) {
        int wanted = file;
        List<String> own =
            parts.stream()
                .filter(part -> part.file() == wanted)
                .map(part -> names.get(part.index()))
                .toList();
        output.keep(runId);
        output.join(file, plan.files().get(file).header().bytes(), own, joined::addAndGet);
      }
    } finally {
      line.close();
    }
  }

  /** Writes the parts and gives their names by index. */
  private Map<Integer, String> convert(
      SparkContext spark, List<PartTask> tasks, LongAccumulator read) throws IOException {
    String folder = output.uri().endsWith("/") ? output.uri() : output.uri() + "/";
    LongAccumulator scales = spark.longAccumulator("scales");
    LongAccumulator rounded = spark.longAccumulator("rounded scales");
    PartWork work =
        new PartWork(
            plan.checkpoint().location(),
            plan.checkpoint().fingerprint(),
            folder + output.parts(),
            read,
            scales,
            rounded);
    Map<Integer, String> parts = new ConcurrentSkipListMap<>();
    AtomicReference<String> refusal = new AtomicReference<>();
    new TextStage(spark, runId)
        .run(
            tasks,
            work,
            "Export " + output.name(),
            text -> {
              if (text.startsWith(PartWork.REFUSED)) {
                refusal.compareAndSet(null, text.substring(PartWork.REFUSED.length()));
              } else {
                parts.put(index(text), text);
              }
            });
    if (refusal.get() != null) {
      throw new QuantException(refusal.get());
    }
    if (scales.sum() > 0) {
      console
          .out()
          .println(
              rounded.sum() == 0
                  ? "all " + scales.sum() + " scales of kept codes stay as they are"
                  : rounded.sum()
                      + " of "
                      + scales.sum()
                      + " scales of kept codes were rounded: fp16 does not hold them");
    }
    return parts;
  }

  /** The part of a name such as part-3-17. */
  private static int index(String part) {
    return Integer.parseInt(part.split("-")[1]);
  }

  private RunRow row(String applicationId) {
    return new RunRow(
        runId,
        "export",
        RunNames.json(config.arguments()),
        RunNames.json(new TreeMap<>(config.effective())),
        ProgramVersion.current(),
        plan.checkpoint().fingerprint(),
        RunRow.Status.RUNNING,
        Instant.now(),
        Optional.empty(),
        applicationId,
        new RunRow.Volume(
            plan.checkpoint().location(),
            output.folder().location() + "/" + output.file(0),
            plan.recipe().name(),
            plan.checkpoint().totalBytes(),
            plan.dataBytes(),
            plan.checkpoint().tensors().size(),
            plan.tensors().stream().filter(ExportRun::inBlocks).count(),
            plan.files().size()));
  }

  private static boolean inBlocks(PlannedTensor tensor) {
    return tensor.target().type().blockSize() > 1;
  }
}
