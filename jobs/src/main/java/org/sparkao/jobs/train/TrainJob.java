package org.sparkao.jobs.train;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import org.sparkao.datasets.tokenizer.Tokenizer;
import org.sparkao.datasets.tokenizer.Tokenizers;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.train.cpu.CpuTrainingOperators;
import org.sparkao.jobs.calibrate.plan.CalibrationText;
import org.sparkao.jobs.config.CommonKeys;
import org.sparkao.jobs.config.Config;
import org.sparkao.jobs.config.ConfigKey;
import org.sparkao.jobs.evaluate.run.TokenizerFiles;
import org.sparkao.jobs.gpu.DeviceRequest;
import org.sparkao.jobs.job.Console;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.job.Job;
import org.sparkao.jobs.quantize.plan.Rule;
import org.sparkao.jobs.spark.SparkLease;
import org.sparkao.jobs.spark.SparkParquetRows;
import org.sparkao.jobs.storage.CheckpointLocation;
import org.sparkao.jobs.storage.ScratchFolder;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.train.plan.TrainMode;
import org.sparkao.jobs.train.plan.TrainOptions;
import org.sparkao.jobs.train.plan.TrainPlan;
import org.sparkao.jobs.train.plan.TrainPlanner;
import org.sparkao.jobs.train.run.TrainOutput;
import org.sparkao.jobs.train.run.TrainRequest;
import org.sparkao.jobs.train.run.TrainRun;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.checkpoint.Checkpoint;

/** A checkpoint and text in, a checkpoint out whose weights were trained to be quantized. */
public final class TrainJob implements Job {
  @Override
  public String name() {
    return "train";
  }

  @Override
  public String summary() {
    return "Trains a checkpoint for a scheme (quantization-aware training), block by block or as a"
        + " whole; quantize then converts it.";
  }

  @Override
  public List<ConfigKey<?>> keys() {
    return TrainKeys.all();
  }

  @Override
  public ExitCode run(Config config, Console console) throws Exception {
    requireSense(config);
    Storage storage = Storage.ofAssignments(config.all(CommonKeys.CONF));
    CheckpointLocation location = CheckpointLocation.of(config.value(TrainKeys.CHECKPOINT));
    Checkpoint checkpoint = location.open(storage);
    TrainPlan plan = plan(new TrainPlanner(checkpoint, storage), checkpoint, storage, config);
    boolean dryRun = config.value(TrainKeys.DRY_RUN);
    if (!dryRun || config.isSet(TrainKeys.OUTPUT)) {
      String output = config.value(TrainKeys.OUTPUT);
      TrainOutput result =
          new TrainOutput(storage.folder(checkpoint.location()), storage.folder(output));
      if (result.finished(plan.fingerprint())) {
        console.out().println(output + " is finished already: nothing to do");
        return ExitCode.DONE;
      }
      result.requireFree();
    }
    console.out().print(plan.text());
    if (dryRun) {
      return ExitCode.DONE;
    }
    try (SparkLease spark = SparkLease.open(config, "sparkao train")) {
      TrainRequest request =
          new TrainRequest(
              plan,
              checkpoint,
              location.file(),
              config.value(TrainKeys.OUTPUT),
              config.value(TrainKeys.SAVE_EVERY),
              config.find(TrainKeys.PARTITIONS).map(OptionalInt::of).orElse(OptionalInt.empty()));
      String runId = new TrainRun(request, config, console).run(spark.context());
      console.out().println("run " + runId + " is done: " + config.value(TrainKeys.OUTPUT));
    }
    return ExitCode.DONE;
  }

  private static void requireSense(Config config) {
    if (config.value(TrainKeys.DEVICE) == DeviceRequest.CUDA) {
      throw new QuantException(
          "--device cuda: training on GPUs is not in this version yet; use --device cpu");
    }
    boolean block = config.value(TrainKeys.MODE) == TrainMode.BLOCK;
    if (block && config.value(TrainKeys.DISTILL)) {
      throw new QuantException(
          "--distill: a block always learns the outputs of the full-precision one; leave it out, or"
              + " use --mode model");
    }
    if (config.value(TrainKeys.WARMUP) > config.value(TrainKeys.STEPS)) {
      throw new QuantException(
          "--warmup "
              + config.value(TrainKeys.WARMUP)
              + ": there are "
              + config.value(TrainKeys.STEPS)
              + " steps; choose fewer");
    }
    int samples = samples(config);
    if (samples < config.value(TrainKeys.BATCH)) {
      throw new QuantException(
          "--samples "
              + samples
              + ": a step takes "
              + config.value(TrainKeys.BATCH)
              + " sequences; give more, or a smaller --batch-sequences");
    }
  }

  private static int samples(Config config) {
    return config
        .find(TrainKeys.SAMPLES)
        .orElseGet(
            () -> Math.multiplyExact(config.value(TrainKeys.STEPS), config.value(TrainKeys.BATCH)));
  }

  private static TrainPlan plan(
      TrainPlanner planner, Checkpoint checkpoint, Storage storage, Config config)
      throws IOException {
    List<Rule> rules = new ArrayList<>(config.all(TrainKeys.SKIP));
    rules.addAll(config.all(TrainKeys.RULE));
    try (ScratchFolder scratch = ScratchFolder.create(storage, "sparkao-train");
        Tokenizer tokenizer =
            Tokenizers.open(TokenizerFiles.local(storage, checkpoint.location(), scratch.path()))) {
      return planner.plan(
          config.value(TrainKeys.SCHEME),
          rules,
          new CalibrationText(
              tokenizer,
              planner.model().sizes().vocabulary(),
              config.value(TrainKeys.TEXT_COLUMN),
              uri -> parquet(uri, config)),
          config.value(TrainKeys.DATA),
          options(config),
          numerics());
    }
  }

  private static List<String> parquet(String uri, Config config) throws IOException {
    try (SparkLease spark = SparkLease.open(config, "sparkao train: data")) {
      return SparkParquetRows.of(spark).json(uri);
    }
  }

  private static String numerics() {
    try (CpuTrainingOperators operators = new CpuTrainingOperators(CpuDevice.open(), 1)) {
      return operators.version();
    }
  }

  private static TrainOptions options(Config config) {
    return new TrainOptions(
        config.value(TrainKeys.MODE),
        config.value(TrainKeys.STEPS),
        config.value(TrainKeys.BATCH),
        samples(config),
        config.value(TrainKeys.SEQUENCE_LENGTH),
        config.value(TrainKeys.LEARNING_RATE),
        config.value(TrainKeys.WARMUP),
        config.value(TrainKeys.WEIGHT_DECAY),
        config.value(TrainKeys.CLIP),
        config.value(TrainKeys.STATES),
        config.value(TrainKeys.SCALES),
        config.value(TrainKeys.DISTILL) ? config.value(TrainKeys.TEMPERATURE).floatValue() : 0,
        config.value(TrainKeys.NUMERICS),
        config.value(TrainKeys.SEED));
  }
}
