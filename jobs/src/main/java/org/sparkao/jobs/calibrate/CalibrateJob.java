package org.sparkao.jobs.calibrate;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.sparkao.datasets.tokenizer.Tokenizer;
import org.sparkao.datasets.tokenizer.Tokenizers;
import org.sparkao.gpu.device.DeviceInfo;
import org.sparkao.gpu.model.ModelConfig;
import org.sparkao.gpu.observe.ObserveScratch;
import org.sparkao.jobs.calibrate.plan.CalibrateOptions;
import org.sparkao.jobs.calibrate.plan.CalibratePlanner;
import org.sparkao.jobs.calibrate.plan.CalibrationMemory;
import org.sparkao.jobs.calibrate.plan.CalibrationPlan;
import org.sparkao.jobs.calibrate.plan.CalibrationText;
import org.sparkao.jobs.calibrate.plan.Sequential;
import org.sparkao.jobs.calibrate.run.CalibrateRequest;
import org.sparkao.jobs.calibrate.run.CalibrateRun;
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
import org.sparkao.jobs.job.Texts;
import org.sparkao.jobs.quantize.QuantizeKeys;
import org.sparkao.jobs.quantize.plan.Arithmetic;
import org.sparkao.jobs.quantize.plan.CalibratedOptions;
import org.sparkao.jobs.quantize.plan.Recipe;
import org.sparkao.jobs.quantize.plan.Rule;
import org.sparkao.jobs.spark.SparkLease;
import org.sparkao.jobs.spark.SparkParquetRows;
import org.sparkao.jobs.storage.CheckpointLocation;
import org.sparkao.jobs.storage.ScratchFolder;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.table.CalibrationRow;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.algorithm.WeightAlgorithm;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.observe.InputObserver.Products;
import org.sparkao.quant.scheme.CheckpointLayout;
import org.sparkao.quant.scheme.Numerics;

/** A checkpoint and text in, statistics of what its linear layers read out. */
public final class CalibrateJob implements Job {
  /** The folder of kernels that it needs on a GPU. */
  private static final String KERNELS = ObserveScratch.KERNELS;

  @Override
  public String name() {
    return "calibrate";
  }

  @Override
  public String summary() {
    return "Runs text through a checkpoint and keeps statistics of what its linear layers read, for"
        + " gptq, awq, smoothquant and static scales.";
  }

  @Override
  public List<ConfigKey<?>> keys() {
    return CalibrateKeys.all();
  }

  /**
   * What would be done; reads headers and text.
   *
   * @throws QuantException for what {@link #run} refuses before it computes
   */
  public CalibrationPlan plan(Config config) throws IOException {
    Storage storage = Storage.ofAssignments(config.all(CommonKeys.CONF));
    Checkpoint checkpoint =
        CheckpointLocation.of(config.value(CalibrateKeys.CHECKPOINT)).open(storage);
    return plan(new CalibratePlanner(checkpoint, storage), checkpoint, storage, config);
  }

  @Override
  public ExitCode run(Config config, Console console) throws Exception {
    Storage storage = Storage.ofAssignments(config.all(CommonKeys.CONF));
    CheckpointLocation location = CheckpointLocation.of(config.value(CalibrateKeys.CHECKPOINT));
    Checkpoint checkpoint = location.open(storage);
    CalibrateRun.requireUsable(storage, config.value(CalibrateKeys.OUTPUT));
    CalibratePlanner planner = new CalibratePlanner(checkpoint, storage);
    CalibrationPlan plan = plan(planner, checkpoint, storage, config);
    DevicePlan device =
        new DevicePlanner(KERNELS)
            .plan(config.value(CalibrateKeys.DEVICE), config, () -> cpuOnly(planner.model()));
    console.out().print(text(plan));
    console.out().println(device.text());
    if (config.value(CalibrateKeys.DRY_RUN)) {
      return ExitCode.DONE;
    }
    try (SparkLease spark = SparkLease.open(config, "sparkao calibrate", device.sparkSettings())) {
      PlannedDevice decided =
          ExecutorGpus.decide(device, spark.context(), KERNELS, console.out()::println);
      CalibrateRun run =
          new CalibrateRun(
              request(plan, checkpoint, location.file(), decided, config),
              decided,
              config,
              console);
      coverage(run.run(spark.context())).forEach(console.out()::println);
      console.out().println("wrote " + config.value(CalibrateKeys.OUTPUT));
      console.out().println("run " + run.runId() + " is done");
    }
    return ExitCode.DONE;
  }

  private static Optional<String> cpuOnly(ModelConfig model) {
    return model.experts().map(experts -> "what experts read is seen on the processor alone");
  }

  private static CalibrationPlan plan(
      CalibratePlanner planner, Checkpoint checkpoint, Storage storage, Config config)
      throws IOException {
    Sequential sequential = sequential(planner, config);
    int samples = config.value(CalibrateKeys.SAMPLES);
    try (ScratchFolder scratch = ScratchFolder.create(storage, "sparkao-calibrate");
        Tokenizer tokenizer =
            Tokenizers.open(TokenizerFiles.local(storage, checkpoint.location(), scratch.path()))) {
      return planner.plan(
          new CalibrationText(
              tokenizer,
              planner.model().sizes().vocabulary(),
              config.value(CalibrateKeys.TEXT_COLUMN),
              uri -> SparkParquetRows.once(config, "sparkao calibrate: data", uri)),
          config.value(CalibrateKeys.DATA),
          new CalibrateOptions(
              samples,
              config.value(CalibrateKeys.SEQUENCE_LENGTH),
              Math.min(samples, config.value(CalibrateKeys.GROUPS)),
              config.value(CalibrateKeys.HESSIAN) || sequential.asked()
                  ? Products.SUMMED
                  : Products.NONE,
              config.value(CalibrateKeys.KV_CACHE)
                  ? CalibrateOptions.Cache.OBSERVED
                  : CalibrateOptions.Cache.LEFT,
              planner.model().experts().isPresent() ? config.value(CalibrateKeys.EXPERT_TOKENS) : 0,
              sequential));
    }
  }

  /** What becomes of the layers on the way, if anything does. */
  private static Sequential sequential(CalibratePlanner planner, Config config) {
    if (!config.isSet(CalibrateKeys.SEQUENTIAL)) {
      for (ConfigKey<?> key : CalibrateKeys.OF_SEQUENTIAL) {
        if (config.isSet(key)) {
          throw new QuantException(
              "--" + key.name() + " says how --sequential quantizes; give --sequential SCHEME too");
        }
      }
      return Sequential.NONE;
    }
    List<Rule> rules = new ArrayList<>(config.all(QuantizeKeys.SKIP));
    rules.addAll(config.all(QuantizeKeys.RULE));
    Arithmetic arithmetic =
        new Arithmetic(
            WeightAlgorithm.GPTQ,
            Numerics.COMPRESSED_TENSORS,
            CheckpointLayout.COMPRESSED_TENSORS,
            new CalibratedOptions(
                config.value(QuantizeKeys.ACT_ORDER),
                config.value(QuantizeKeys.DAMPING),
                config.value(QuantizeKeys.SCALE_SEARCH),
                CalibratedOptions.DEFAULT.strength(),
                CalibratedOptions.DEFAULT.duo()));
    return planner.sequential(
        new Recipe(config.value(CalibrateKeys.SEQUENTIAL), rules, arithmetic, Long.MAX_VALUE));
  }

  private static CalibrateRequest request(
      CalibrationPlan plan,
      Checkpoint checkpoint,
      Optional<String> onlyFile,
      PlannedDevice device,
      Config config) {
    boolean gpu = device.kind() == DeviceInfo.Kind.CUDA;
    return new CalibrateRequest(
        plan,
        checkpoint,
        onlyFile,
        config
            .find(CalibrateKeys.ARITHMETIC)
            .orElse(
                gpu
                    ? org.sparkao.gpu.model.Arithmetic.BF16
                    : org.sparkao.gpu.model.Arithmetic.FP32),
        config.value(CalibrateKeys.DATA),
        config.value(CalibrateKeys.OUTPUT),
        config.find(CalibrateKeys.PARTITIONS).map(OptionalInt::of).orElse(OptionalInt.empty()));
  }

  private static String text(CalibrationPlan plan) {
    CalibrateOptions options = plan.options();
    ModelConfig model = plan.model();
    return "model: "
        + model.architecture()
        + ", "
        + Texts.bytes(plan.weightBytes())
        + " of weights in "
        + plan.blocks().size()
        + " blocks\ntext: "
        + Texts.count(options.samples())
        + " sequences of "
        + Texts.count(options.sequenceLength())
        + " tokens in "
        + options.groups()
        + " groups; one task needs "
        + CalibrationMemory.of(plan, options.groups()).text()
        + (options.sequential().asked()
            ? "\nquantized on the way: " + options.sequential().text()
            : "")
        + "\n";
  }

  /** What the router left to some experts, where there are any. */
  private static List<String> coverage(List<CalibrationRow> rows) {
    List<CalibrationRow> experts = rows.stream().filter(row -> row.expert().isPresent()).toList();
    if (experts.isEmpty()) {
      return List.of();
    }
    CalibrationRow least =
        experts.stream()
            .min((a, b) -> Long.compare(a.tokens().routed(), b.tokens().routed()))
            .orElseThrow();
    return List.of(
        "layers of experts: "
            + Texts.count(experts.size())
            + "; shown more than the router sent: "
            + Texts.count(experts.stream().filter(row -> row.tokens().shown() > 0).count())
            + "; saw nothing: "
            + Texts.count(experts.stream().filter(row -> row.tokens().seen() == 0).count())
            + "; fewest routed: "
            + Texts.count(least.tokens().routed())
            + " of "
            + Texts.count(least.tokens().all())
            + " tokens ("
            + least.module()
            + ")");
  }
}
