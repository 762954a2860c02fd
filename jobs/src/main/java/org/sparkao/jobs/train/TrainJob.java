package org.sparkao.jobs.train;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.sparkao.datasets.tokenizer.Tokenizer;
import org.sparkao.datasets.tokenizer.Tokenizers;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.device.DeviceInfo.Kind;
import org.sparkao.gpu.fake.CudaFakes;
import org.sparkao.gpu.fake.FakeSettings.Ranges;
import org.sparkao.gpu.train.OuterSettings;
import org.sparkao.gpu.train.cpu.CpuTrainingOperators;
import org.sparkao.gpu.train.cuda.CudaTrainingOperators;
import org.sparkao.jobs.calibrate.plan.CalibrationText;
import org.sparkao.jobs.config.CommonKeys;
import org.sparkao.jobs.config.Config;
import org.sparkao.jobs.config.ConfigKey;
import org.sparkao.jobs.evaluate.run.TokenizerFiles;
import org.sparkao.jobs.gpu.DevicePlan;
import org.sparkao.jobs.gpu.DevicePlanner;
import org.sparkao.jobs.gpu.ExecutorGpus;
import org.sparkao.jobs.gpu.PlannedDevice;
import org.sparkao.jobs.job.Console;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.job.Job;
import org.sparkao.jobs.quantize.plan.LearnedScales;
import org.sparkao.jobs.quantize.plan.Rule;
import org.sparkao.jobs.spark.SparkLease;
import org.sparkao.jobs.spark.SparkParquetRows;
import org.sparkao.jobs.storage.CheckpointLocation;
import org.sparkao.jobs.storage.ScratchFolder;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.train.plan.Averaging;
import org.sparkao.jobs.train.plan.BlockInputs;
import org.sparkao.jobs.train.plan.TrainCompute;
import org.sparkao.jobs.train.plan.TrainMode;
import org.sparkao.jobs.train.plan.TrainOptions;
import org.sparkao.jobs.train.plan.TrainPlan;
import org.sparkao.jobs.train.plan.TrainPlanner;
import org.sparkao.jobs.train.run.TrainOutput;
import org.sparkao.jobs.train.run.TrainRequest;
import org.sparkao.jobs.train.run.TrainRun;
import org.sparkao.jobs.train.run.TrainSource;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.scheme.QuantScheme;

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
    Optional<TrainSource> teacher = teacher(config, storage);
    DevicePlan device =
        new DevicePlanner(CudaFakes.operation())
            .plan(config.value(TrainKeys.DEVICE), config, Optional::empty);
    TrainCompute compute =
        TrainCompute.of(
            device.mayUseGpus() ? Kind.CUDA : Kind.CPU,
            config.find(TrainKeys.ARITHMETIC),
            config.value(TrainKeys.FLOAT8));
    TrainPlanner planner =
        new TrainPlanner(
            checkpoint,
            teacher.map(TrainSource::checkpoint),
            initialScales(config, checkpoint, storage),
            storage);
    TrainPlan plan = plan(planner, options(config, compute), storage, config);
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
      if (teacher.isPresent()) {
        String taughtBy = teacher.get().checkpoint().location();
        new TrainOutput(storage.folder(taughtBy), storage.folder(output)).requireFree();
      }
    }
    console.out().print(plan.text());
    console.out().println(device.text());
    if (dryRun) {
      return ExitCode.DONE;
    }
    try (SparkLease spark = SparkLease.open(config, "sparkao train", device.sparkSettings())) {
      PlannedDevice decided = decide(device, compute, spark, console);
      TrainRequest request =
          new TrainRequest(
              plan,
              decided,
              new TrainSource(checkpoint, location.file()),
              teacher,
              config.value(TrainKeys.OUTPUT),
              config.value(TrainKeys.SAVE_EVERY),
              config.find(TrainKeys.PARTITIONS).map(OptionalInt::of).orElse(OptionalInt.empty()));
      String runId = new TrainRun(request, config, console).run(spark.context());
      console.out().println("run " + runId + " is done: " + config.value(TrainKeys.OUTPUT));
    }
    return ExitCode.DONE;
  }

  private static Optional<LearnedScales> initialScales(
      Config config, Checkpoint checkpoint, Storage storage) throws IOException {
    return LearnedScales.find(
        config.find(TrainKeys.INITIAL_SCALES),
        checkpoint,
        storage,
        "--initial-scales none to begin anew");
  }

  private static Optional<TrainSource> teacher(Config config, Storage storage) throws IOException {
    if (!config.isSet(TrainKeys.TEACHER)) {
      return Optional.empty();
    }
    CheckpointLocation location = CheckpointLocation.of(config.value(TrainKeys.TEACHER));
    return Optional.of(new TrainSource(location.open(storage), location.file()));
  }

  /** What was planned: the plan and its name depend on the device. */
  private static PlannedDevice decide(
      DevicePlan plan, TrainCompute compute, SparkLease spark, Console console)
      throws InterruptedException {
    PlannedDevice decided =
        ExecutorGpus.decide(plan, spark.context(), CudaFakes.operation(), console.out()::println);
    if (decided.kind() != compute.device()) {
      throw new QuantException(
          "--device auto was planned with the GPUs that executors ask for: "
              + decided.why()
              + "; give --device cpu to train without");
    }
    return decided;
  }

  private static void requireSense(Config config) {
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
    int sequences =
        Math.multiplyExact(config.value(TrainKeys.BATCH), config.value(TrainKeys.WORKERS));
    if (samples < sequences) {
      throw new QuantException(
          "--samples "
              + samples
              + ": a step takes "
              + sequences
              + " sequences; give more, or a smaller --batch-sequences");
    }
    if (config.isSet(TrainKeys.DECAY_TO) && config.value(TrainKeys.WEIGHT_DECAY) == 0) {
      throw new QuantException(
          "--decay-to "
              + config.value(TrainKeys.DECAY_TO).configName()
              + ": weights do not decay; leave it out, or give --weight-decay");
    }
    double share = config.value(TrainKeys.WEIGHT_DECAY) * config.value(TrainKeys.LEARNING_RATE);
    if (share >= 1) {
      throw new QuantException(
          "--weight-decay "
              + config.value(TrainKeys.WEIGHT_DECAY)
              + ": times --learning-rate "
              + config.value(TrainKeys.LEARNING_RATE)
              + " it takes all of a weight a step, or more; choose a smaller one");
    }
    requireSenseOfWorkers(config, block);
    requireSenseOfTeacher(config, block);
    if (config.isSet(TrainKeys.SCALE_LEARNING_RATE)
        && config.value(TrainKeys.SCALES) == Ranges.COMPUTED) {
      throw new QuantException(
          "--scale-learning-rate: scales are computed from weights; leave it out, or give --scales"
              + " learned-step");
    }
  }

  private static void requireSenseOfTeacher(Config config, boolean block) {
    if (config.isSet(TrainKeys.BLOCK_INPUTS) && !block) {
      throw new QuantException(
          "--block-inputs "
              + config.value(TrainKeys.BLOCK_INPUTS).configName()
              + ": a whole model reads tokens; leave it out, or use --mode block");
    }
    boolean inOrder = config.value(TrainKeys.BLOCK_INPUTS) == BlockInputs.STUDENT;
    if (inOrder && config.find(TrainKeys.PARTITIONS).orElse(1) > 1) {
      throw new QuantException(
          "--partitions "
              + config.value(TrainKeys.PARTITIONS)
              + ": with --block-inputs student a block waits for the one before; leave one of them"
              + " out");
    }
    boolean distills = block || config.value(TrainKeys.DISTILL);
    if (config.isSet(TrainKeys.TEACHER) && !distills) {
      throw new QuantException(
          "--teacher "
              + config.value(TrainKeys.TEACHER)
              + ": the text says what the next token is; leave it out, or give --distill");
    }
    for (ConfigKey<?> key : List.of(TrainKeys.LABEL_WEIGHT, TrainKeys.HIDDEN_WEIGHT)) {
      if (config.isSet(key) && !config.value(TrainKeys.DISTILL)) {
        throw new QuantException(
            "--"
                + key.name()
                + ": "
                + (block ? "a block learns hidden states alone" : "no teacher is asked")
                + "; leave it out, or give --mode model --distill");
      }
    }
    if (config.isSet(TrainKeys.SCHEME) || !config.value(TrainKeys.KEEP_ZEROS)) {
      return;
    }
    if (distills && !config.isSet(TrainKeys.TEACHER)) {
      throw new QuantException(
          "--keep-zeros: without --scheme the checkpoint gives its own outputs already; name the"
              + " dense one with --teacher, or give a --scheme");
    }
    for (ConfigKey<?> key : List.of(TrainKeys.RULE, TrainKeys.SKIP, TrainKeys.SCALES)) {
      if (config.isSet(key)) {
        throw new QuantException(
            "--"
                + key.name()
                + ": without --scheme nothing is quantized; give one, or leave it out");
      }
    }
  }

  private static void requireSenseOfWorkers(Config config, boolean block) {
    if (block && config.value(TrainKeys.WORKERS) > 1) {
      throw new QuantException(
          "--workers "
              + config.value(TrainKeys.WORKERS)
              + ": blocks are spread over executors by --partitions; leave it out, or use --mode"
              + " model");
    }
    for (ConfigKey<?> key :
        List.of(TrainKeys.LOCAL_STEPS, TrainKeys.OUTER_LEARNING_RATE, TrainKeys.OUTER_MOMENTUM)) {
      if (config.isSet(key) && config.value(TrainKeys.WORKERS) == 1) {
        throw new QuantException(
            "--"
                + key.name()
                + ": one worker has nobody to average with; leave it out, or give --workers");
      }
    }
  }

  private static int samples(Config config) {
    return config
        .find(TrainKeys.SAMPLES)
        .orElseGet(
            () ->
                Math.multiplyExact(
                    config.value(TrainKeys.STEPS),
                    Math.multiplyExact(
                        config.value(TrainKeys.BATCH), config.value(TrainKeys.WORKERS))));
  }

  private static TrainPlan plan(
      TrainPlanner planner, TrainOptions options, Storage storage, Config config)
      throws IOException {
    List<Rule> rules = new ArrayList<>(config.all(TrainKeys.SKIP));
    rules.addAll(config.all(TrainKeys.RULE));
    try (ScratchFolder scratch = ScratchFolder.create(storage, "sparkao-train");
        Tokenizer tokenizer =
            Tokenizers.open(TokenizerFiles.local(storage, planner.location(), scratch.path()))) {
      return planner.plan(
          scheme(config),
          rules,
          new CalibrationText(
              tokenizer,
              planner.model().sizes().vocabulary(),
              config.value(TrainKeys.TEXT_COLUMN),
              uri -> SparkParquetRows.once(config, "sparkao train: data", uri)),
          config.value(TrainKeys.DATA),
          options,
          numerics(options.compute()));
    }
  }

  /** Without one nothing is quantized: sparse checkpoints may be trained as they are. */
  private static Optional<QuantScheme> scheme(Config config) {
    return config.value(TrainKeys.KEEP_ZEROS)
        ? config.find(TrainKeys.SCHEME)
        : Optional.of(config.value(TrainKeys.SCHEME));
  }

  private static String numerics(TrainCompute compute) {
    if (compute.device() == Kind.CUDA) {
      return CudaTrainingOperators.version(compute.arithmetic());
    }
    try (CpuTrainingOperators operators = new CpuTrainingOperators(CpuDevice.open(), 1)) {
      return operators.version();
    }
  }

  private static TrainOptions options(Config config, TrainCompute compute) {
    return new TrainOptions(
        config.value(TrainKeys.MODE),
        config.value(TrainKeys.STEPS),
        config.value(TrainKeys.BATCH),
        samples(config),
        config.value(TrainKeys.SEQUENCE_LENGTH),
        config.value(TrainKeys.LEARNING_RATE),
        config.find(TrainKeys.SCALE_LEARNING_RATE).orElse(config.value(TrainKeys.LEARNING_RATE)),
        config.value(TrainKeys.WARMUP),
        config.value(TrainKeys.WEIGHT_DECAY),
        config.value(TrainKeys.DECAY_TO),
        config.value(TrainKeys.BETA2),
        config.value(TrainKeys.CLIP),
        config.value(TrainKeys.STATES),
        config.value(TrainKeys.SCALES),
        String.join("|", config.all(TrainKeys.FREEZE)),
        config.value(TrainKeys.DISTILL) ? config.value(TrainKeys.TEMPERATURE).floatValue() : 0,
        config.value(TrainKeys.LABEL_WEIGHT).floatValue(),
        config.value(TrainKeys.HIDDEN_WEIGHT).floatValue(),
        config.value(TrainKeys.NUMERICS),
        config.value(TrainKeys.SEED),
        averaging(config),
        compute,
        config.value(TrainKeys.KEEP_ZEROS),
        config.value(TrainKeys.BLOCK_INPUTS));
  }

  private static Averaging averaging(Config config) {
    int workers = config.value(TrainKeys.WORKERS);
    return workers == 1
        ? Averaging.NONE
        : new Averaging(
            workers,
            config.value(TrainKeys.LOCAL_STEPS),
            new OuterSettings(
                config.value(TrainKeys.OUTER_LEARNING_RATE),
                config.value(TrainKeys.OUTER_MOMENTUM)));
  }
}
