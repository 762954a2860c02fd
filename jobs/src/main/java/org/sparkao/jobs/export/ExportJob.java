package org.sparkao.jobs.export;

import java.io.IOException;
import java.util.List;
import java.util.Optional;
import org.sparkao.jobs.config.CommonKeys;
import org.sparkao.jobs.config.Config;
import org.sparkao.jobs.config.ConfigKey;
import org.sparkao.jobs.export.plan.ExportOptions;
import org.sparkao.jobs.export.plan.ExportOptions.Mixture;
import org.sparkao.jobs.export.plan.ExportPlan;
import org.sparkao.jobs.export.plan.ExportPlanner;
import org.sparkao.jobs.export.plan.ImportanceMatrix;
import org.sparkao.jobs.export.plan.PlanText;
import org.sparkao.jobs.export.run.ExportRun;
import org.sparkao.jobs.export.run.OutputFile;
import org.sparkao.jobs.job.Console;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.job.Job;
import org.sparkao.jobs.spark.SparkLease;
import org.sparkao.jobs.storage.CheckpointLocation;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.quant.checkpoint.Checkpoint;

/** A checkpoint in, a file for llama.cpp out. */
public final class ExportJob implements Job {

  @Override
  public String name() {
    return "export";
  }

  @Override
  public String summary() {
    return "Writes a checkpoint of the Llama family as a GGUF file for llama.cpp and what is built"
        + " on it.";
  }

  @Override
  public List<ConfigKey<?>> keys() {
    return ExportKeys.all();
  }

  @Override
  public ExitCode run(Config config, Console console) throws IOException {
    // There is one format; asking for it refuses any other.
    config.value(ExportKeys.FORMAT);
    Storage storage = Storage.ofAssignments(config.all(CommonKeys.CONF));
    CheckpointLocation location = CheckpointLocation.of(config.value(ExportKeys.CHECKPOINT));
    Checkpoint checkpoint = location.open(storage);
    Optional<ImportanceMatrix> importance = Optional.empty();
    if (config.isSet(ExportKeys.IMATRIX)) {
      importance = Optional.of(ImportanceMatrix.open(storage, config.value(ExportKeys.IMATRIX)));
    }
    ExportOptions options =
        new ExportOptions(
            config.value(ExportKeys.TYPE),
            config.value(ExportKeys.PURE) ? Mixture.PURE : Mixture.MIXED,
            config.find(ExportKeys.SPLIT_SIZE).orElse(Long.MAX_VALUE),
            importance);
    ExportPlan plan =
        new ExportPlanner(options)
            .plan(checkpoint, storage.folder(checkpoint.location()), config.find(ExportKeys.NAME));
    boolean dryRun = config.value(ExportKeys.DRY_RUN);
    if (dryRun && !config.isSet(ExportKeys.OUTPUT)) {
      console.out().print(PlanText.of(plan));
      return ExitCode.DONE;
    }
    OutputFile output =
        OutputFile.of(config.value(ExportKeys.OUTPUT), storage, plan.files().size());
    output.requireFree(plan.bytes());
    console.out().print(PlanText.of(plan));
    if (dryRun) {
      return ExitCode.DONE;
    }
    try (SparkLease spark = SparkLease.open(config, "sparkao export")) {
      String runId = new ExportRun(plan, output, config, console).run(spark.context());
      console.out().println("run " + runId + " is done: " + config.value(ExportKeys.OUTPUT));
    }
    return ExitCode.DONE;
  }
}
