package org.sparkao.jobs.generate;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import org.sparkao.datasets.tokenizer.Tokenizer;
import org.sparkao.datasets.tokenizer.Tokenizers;
import org.sparkao.gpu.device.DeviceInfo;
import org.sparkao.gpu.layer.KvCache;
import org.sparkao.gpu.layer.SamplingRule;
import org.sparkao.gpu.model.Arithmetic;
import org.sparkao.jobs.config.CommonKeys;
import org.sparkao.jobs.config.Config;
import org.sparkao.jobs.config.ConfigKey;
import org.sparkao.jobs.evaluate.run.CheckpointModels;
import org.sparkao.jobs.evaluate.run.ModelForm;
import org.sparkao.jobs.evaluate.run.ModelSource;
import org.sparkao.jobs.evaluate.run.TokenizerFiles;
import org.sparkao.jobs.generate.plan.GeneratePlan;
import org.sparkao.jobs.generate.plan.GeneratePlanner;
import org.sparkao.jobs.generate.plan.PromptFile;
import org.sparkao.jobs.generate.run.GenerateRequest;
import org.sparkao.jobs.generate.run.GenerateRun;
import org.sparkao.jobs.gpu.DevicePlan;
import org.sparkao.jobs.gpu.DevicePlanner;
import org.sparkao.jobs.gpu.ExecutorGpus;
import org.sparkao.jobs.gpu.PlannedDevice;
import org.sparkao.jobs.job.Console;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.job.Job;
import org.sparkao.jobs.spark.SparkLease;
import org.sparkao.jobs.spark.SparkParquetRows;
import org.sparkao.jobs.storage.CheckpointLocation;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.quant.checkpoint.Checkpoint;

/** A checkpoint in, texts that it writes itself out, as data for calibration and training. */
public final class GenerateJob implements Job {
  /** The folder of kernels that it needs on a GPU. */
  private static final String KERNELS = "sample";

  private static final int GPU_BATCH = 4096;
  private static final int PROCESSOR_BATCH = 64;

  private final ModelSource models;

  /** With the models of checkpoints. */
  public GenerateJob() {
    this(new CheckpointModels());
  }

  /** With models from somewhere. */
  GenerateJob(ModelSource models) {
    this.models = models;
  }

  @Override
  public String name() {
    return "generate";
  }

  @Override
  public String summary() {
    return "Samples texts from a checkpoint itself, as data for calibrate and train where none may"
        + " be had.";
  }

  @Override
  public List<ConfigKey<?>> keys() {
    return GenerateKeys.all();
  }

  @Override
  public ExitCode run(Config config, Console console) throws Exception {
    Storage storage = Storage.ofAssignments(config.all(CommonKeys.CONF));
    CheckpointLocation location = CheckpointLocation.of(config.value(GenerateKeys.CHECKPOINT));
    Checkpoint checkpoint = location.open(storage);
    GeneratePlan plan = plan(checkpoint, storage, config);
    String output = storage.folder(config.value(GenerateKeys.OUTPUT)).location();
    GenerateRun.requireUsable(storage, output);
    DevicePlan device =
        new DevicePlanner(KERNELS).plan(config.value(GenerateKeys.DEVICE), config, models::cpuOnly);
    console.out().print(plan.text());
    console.out().println(device.text());
    if (config.value(GenerateKeys.DRY_RUN)) {
      return ExitCode.DONE;
    }
    try (SparkLease spark = SparkLease.open(config, "sparkao generate", device.sparkSettings())) {
      PlannedDevice decided =
          ExecutorGpus.decide(device, spark.context(), KERNELS, console.out()::println);
      GenerateRequest request =
          new GenerateRequest(
              plan, checkpoint, models, output, settings(decided, location, config));
      String runId = new GenerateRun(request, decided, config, console).run(spark.context());
      console.out().println("run " + runId + " is done: " + output);
    }
    return ExitCode.DONE;
  }

  private GeneratePlan plan(Checkpoint checkpoint, Storage storage, Config config)
      throws IOException {
    Path scratch = Files.createTempDirectory("sparkao-generate");
    Path folder = TokenizerFiles.local(storage, checkpoint.location(), scratch);
    SamplingRule rule =
        new SamplingRule(
            config.value(GenerateKeys.TEMPERATURE),
            config.value(GenerateKeys.TOP_K),
            config.value(GenerateKeys.TOP_P),
            config.value(GenerateKeys.GREEDY_TOKENS));
    try (Tokenizer tokenizer = Tokenizers.open(folder)) {
      return new GeneratePlanner(
              models.inspect(checkpoint, storage),
              tokenizer,
              storage,
              file -> parquet(file, config))
          .plan(checkpoint.location(), wish(config), rule, config.value(GenerateKeys.SEED));
    } finally {
      storage.folder(scratch.toString()).delete("");
    }
  }

  private static GeneratePlanner.Wish wish(Config config) {
    return new GeneratePlanner.Wish(
        config.value(GenerateKeys.SAMPLES),
        config
            .find(GenerateKeys.PROMPTS)
            .map(uri -> new PromptFile(uri, config.value(GenerateKeys.PROMPT_COLUMN))),
        config.value(GenerateKeys.PROMPT_TOKENS),
        config.value(GenerateKeys.SEQUENCE_LENGTH),
        config.value(GenerateKeys.MIN_LENGTH),
        config.value(GenerateKeys.IGNORE_END)
            ? GeneratePlanner.Ending.GOES_ON
            : GeneratePlanner.Ending.ENDS);
  }

  /** Spark reads it: one is started for the prompts, because the plan comes first. */
  private static List<String> parquet(Path file, Config config) throws IOException {
    try (SparkLease spark = SparkLease.open(config, "sparkao generate: prompts")) {
      return SparkParquetRows.of(spark).json(file);
    }
  }

  private static GenerateRequest.Settings settings(
      PlannedDevice device, CheckpointLocation location, Config config) {
    KvCache.Type cache = config.value(GenerateKeys.KV_CACHE);
    ModelForm.of(Arithmetic.FP32).withCache(cache).requireOn(device.kind());
    int usual = device.kind() == DeviceInfo.Kind.CUDA ? GPU_BATCH : PROCESSOR_BATCH;
    return new GenerateRequest.Settings(
        config.find(GenerateKeys.BATCH).orElse(usual),
        config.find(GenerateKeys.PARTITIONS).map(OptionalInt::of).orElse(OptionalInt.empty()),
        config.find(GenerateKeys.MEMORY).orElse(0L),
        cache,
        location.file());
  }
}
