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
      output.join(plan.header().bytes(), convert(spark, read), joined::addAndGet);
    } finally {
      line.close();
    }
  }

  /** Writes the parts and gives their names in order. */
  private List<String> convert(SparkContext spark, LongAccumulator read) throws IOException {
    String folder = output.uri().endsWith("/") ? output.uri() : output.uri() + "/";
    PartWork work = new PartWork(plan.checkpoint().location(), folder + output.parts(), read);
    Map<Integer, String> parts = new ConcurrentSkipListMap<>();
    AtomicReference<String> refusal = new AtomicReference<>();
    new TextStage(spark, runId)
        .run(
            PartTask.of(plan.tensors()),
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
    return List.copyOf(parts.values());
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
            output.folder().location() + "/" + output.name(),
            plan.recipe().name(),
            plan.checkpoint().totalBytes(),
            plan.dataBytes(),
            plan.checkpoint().tensors().size(),
            plan.tensors().stream().filter(ExportRun::inBlocks).count(),
            1));
  }

  private static boolean inBlocks(PlannedTensor tensor) {
    return tensor.target().type().blockSize() > 1;
  }
}
