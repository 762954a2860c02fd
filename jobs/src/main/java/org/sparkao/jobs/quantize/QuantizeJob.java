package org.sparkao.jobs.quantize;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.sparkao.gpu.device.DeviceInfo.Kind;
import org.sparkao.gpu.gptq.CudaGptq;
import org.sparkao.gpu.quantize.DeviceQuantizers;
import org.sparkao.jobs.config.CommonKeys;
import org.sparkao.jobs.config.Config;
import org.sparkao.jobs.config.ConfigKey;
import org.sparkao.jobs.gpu.DevicePlan;
import org.sparkao.jobs.gpu.DevicePlanner;
import org.sparkao.jobs.gpu.ExecutorGpus;
import org.sparkao.jobs.gpu.PlannedDevice;
import org.sparkao.jobs.job.Console;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.job.Job;
import org.sparkao.jobs.quantize.budget.Budget;
import org.sparkao.jobs.quantize.budget.BudgetFile;
import org.sparkao.jobs.quantize.budget.BudgetPlanner;
import org.sparkao.jobs.quantize.budget.BudgetRequest;
import org.sparkao.jobs.quantize.plan.Arithmetic;
import org.sparkao.jobs.quantize.plan.CalibratedOptions;
import org.sparkao.jobs.quantize.plan.CalibrationFolder;
import org.sparkao.jobs.quantize.plan.CalibrationText;
import org.sparkao.jobs.quantize.plan.GivenFiles;
import org.sparkao.jobs.quantize.plan.LearnedScales;
import org.sparkao.jobs.quantize.plan.PlanText;
import org.sparkao.jobs.quantize.plan.QuantizePlan;
import org.sparkao.jobs.quantize.plan.QuantizePlanner;
import org.sparkao.jobs.quantize.plan.Recipe;
import org.sparkao.jobs.quantize.plan.Rule;
import org.sparkao.jobs.quantize.plan.TensorTask;
import org.sparkao.jobs.quantize.run.OutputCheck;
import org.sparkao.jobs.quantize.run.QuantizeRun;
import org.sparkao.jobs.quantize.run.RunRequest;
import org.sparkao.jobs.spark.SparkLease;
import org.sparkao.jobs.storage.CheckpointLocation;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.RunRow;
import org.sparkao.jobs.table.ShardRow;
import org.sparkao.jobs.table.TensorRow;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.algorithm.WeightAlgorithm;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.prune.Sparsity;
import org.sparkao.quant.safetensors.ByteSource;
import org.sparkao.quant.scheme.CheckpointLayout;
import org.sparkao.quant.scheme.Numerics;
import org.sparkao.quant.scheme.QuantScheme;

/** A checkpoint in, a quantized checkpoint out. */
public final class QuantizeJob implements Job {
  @Override
  public String name() {
    return "quantize";
  }

  @Override
  public String summary() {
    return "Quantizes the linear layers of a checkpoint into a checkpoint that vLLM and"
        + " transformers load.";
  }

  @Override
  public List<ConfigKey<?>> keys() {
    return QuantizeKeys.all();
  }

  @Override
  public ExitCode run(Config config, Console console) throws Exception {
    Storage storage = Storage.ofAssignments(config.all(CommonKeys.CONF));
    CheckpointLocation location = CheckpointLocation.of(config.value(QuantizeKeys.CHECKPOINT));
    Optional<Pipeline> pipeline =
        location.file().isPresent()
            ? Optional.empty()
            : Pipeline.in(storage.folder(location.folder()));
    if (pipeline.isPresent()) {
      return new PipelineJob(pipeline.orElseThrow(), storage, this::quantize).run(config, console);
    }
    if (config.isSet(QuantizeKeys.COMPONENT)) {
      throw new QuantException(
          config.value(QuantizeKeys.CHECKPOINT)
              + ": has no model_index.json, so it is no pipeline of components; leave out"
              + " --component");
    }
    return quantize(config, console);
  }

  private ExitCode quantize(Config config, Console console) throws Exception {
    Storage storage = Storage.ofAssignments(config.all(CommonKeys.CONF));
    CheckpointLocation location = CheckpointLocation.of(config.value(QuantizeKeys.CHECKPOINT));
    Checkpoint source = location.open(storage);
    DeltaStore store = new DeltaStore(storage, config.value(CommonKeys.TABLES));
    List.of(TensorRow.TABLE, ShardRow.TABLE, RunRow.TABLE).forEach(store::requireKnownColumns);
    Recipe recipe = recipe(config, storage, source, console);
    GivenFiles given = given(config, recipe, source, storage);
    QuantizePlan plan =
        new QuantizePlanner(recipe, given).plan(source, configText(source, storage));
    DevicePlan device =
        new DevicePlanner(kernels(plan))
            .plan(config.value(QuantizeKeys.DEVICE), config, () -> cpuOnly(plan, given));
    boolean dryRun = config.value(QuantizeKeys.DRY_RUN);
    if (!dryRun || config.isSet(QuantizeKeys.OUTPUT)) {
      OutputCheck check =
          new OutputCheck(storage.folder(config.value(QuantizeKeys.OUTPUT)), source, plan);
      if (check.finished()) {
        console
            .out()
            .println(config.value(QuantizeKeys.OUTPUT) + " is finished already: nothing to do");
        return ExitCode.DONE;
      }
      check.require();
    }
    console.out().print(PlanText.of(plan, recipe, source));
    Kind kind = device.mayUseGpus() ? Kind.CUDA : Kind.CPU;
    given
        .statistics()
        .ifPresent(folder -> console.out().print(CalibrationText.of(plan, folder, kind)));
    given.learned().ifPresent(learned -> console.out().println(learned.text()));
    console.out().println(device.text());
    if (dryRun) {
      return ExitCode.DONE;
    }
    RunRequest request =
        new RunRequest(
            plan,
            source,
            given,
            config.value(QuantizeKeys.OUTPUT),
            recipe.name(),
            recipeOf(config));
    String runId = run(request, device, config, console);
    console.out().println("run " + runId + " is done: " + config.value(QuantizeKeys.OUTPUT));
    return ExitCode.DONE;
  }

  /** Executors that have to be asked about their GPUs run before the output is claimed. */
  private static String run(RunRequest request, DevicePlan device, Config config, Console console)
      throws IOException, InterruptedException {
    if (device instanceof DevicePlan.Decided decided) {
      return new QuantizeRun(request, decided, config, console).run();
    }
    DevicePlan.AskExecutors ask = (DevicePlan.AskExecutors) device;
    try (SparkLease spark = SparkLease.open(config, "sparkao quantize", ask.sparkSettings())) {
      PlannedDevice decided = ExecutorGpus.decide(ask, spark.context(), kernels(request.plan()));
      console.out().println(decided.text());
      DevicePlan.Decided known = new DevicePlan.Decided(decided, ask.sparkSettings());
      return new QuantizeRun(request, known, config, console).run();
    }
  }

  /** The folder of kernels that it needs on a GPU. */
  private static String kernels(QuantizePlan plan) {
    return plan.arithmetic().algorithm() == WeightAlgorithm.GPTQ ? CudaGptq.KERNELS : "quantize";
  }

  /** Why GPUs cannot do it, if so. */
  private static Optional<String> cpuOnly(QuantizePlan plan, GivenFiles given) {
    if (given.learned().isPresent()) {
      return Optional.of("learned scales are applied on the processor");
    }
    if (plan.totals().quantized() == 0) {
      return Optional.of("zeros are chosen on the processor");
    }
    if (plan.arithmetic().algorithm() == WeightAlgorithm.GPTQ) {
      return Optional.empty();
    }
    return plan.shards().stream()
        .flatMap(shard -> shard.tensors().stream())
        .filter(TensorTask.Quantize.class::isInstance)
        .map(task -> plan.arithmetic().request((TensorTask.Quantize) task))
        .flatMap(request -> DeviceQuantizers.unsupported(request).stream())
        .findFirst();
  }

  /** What is to be read beside the checkpoint. */
  private static GivenFiles given(Config config, Recipe recipe, Checkpoint source, Storage storage)
      throws IOException {
    Optional<Checkpoint> inputScales = Optional.empty();
    Optional<CalibrationFolder> statistics = Optional.empty();
    if (config.isSet(QuantizeKeys.CALIBRATION)) {
      CheckpointLocation place = CheckpointLocation.of(config.value(QuantizeKeys.CALIBRATION));
      if (recipe.arithmetic().needsInputs()) {
        String folder = config.value(QuantizeKeys.CALIBRATION);
        statistics = Optional.of(CalibrationFolder.open(storage.folder(folder)));
      } else if (!weighsBudget(config, place)) {
        inputScales = Optional.of(place.open(storage));
      }
    }
    Optional<LearnedScales> learned =
        LearnedScales.find(
            config.find(QuantizeKeys.SCALES), source, storage, "--scales none to compute scales");
    return new GivenFiles(inputScales, statistics, learned);
  }

  private static Map<String, List<String>> recipeOf(Config config) {
    Map<String, List<String>> recipe = new TreeMap<>(config.effective());
    recipe.keySet().retainAll(QuantizeKeys.RECIPE);
    return recipe;
  }

  private static Recipe recipe(Config config, Storage storage, Checkpoint source, Console console)
      throws IOException {
    if (config.find(QuantizeKeys.BUDGET).isEmpty()) {
      boolean alone =
          config.find(QuantizeKeys.SCHEME).isEmpty() && !config.value(QuantizeKeys.SPARSITY).none();
      return recipe(
          config, alone ? Optional.empty() : Optional.of(config.value(QuantizeKeys.SCHEME)));
    }
    if (config.isSet(QuantizeKeys.SCHEME)) {
      throw new QuantException("--scheme and --budget both say what layers become; leave one out");
    }
    List<QuantScheme> schemes = config.all(QuantizeKeys.BUDGET_SCHEMES);
    if (schemes.size() < 2) {
      throw new QuantException(
          "--budget has nothing to choose from; give --budget-schemes NAME two times or more");
    }
    String tables = config.value(CommonKeys.TABLES);
    Optional<CheckpointLocation> folder =
        config
            .find(QuantizeKeys.CALIBRATION)
            .map(CheckpointLocation::of)
            .filter(place -> weighsBudget(config, place));
    Optional<CalibrationFolder> calibration =
        folder.isPresent()
            ? Optional.of(CalibrationFolder.open(storage.folder(folder.orElseThrow().folder())))
            : Optional.empty();
    BudgetRequest request =
        new BudgetRequest(
            config.value(QuantizeKeys.BUDGET),
            schemes,
            recipe(config, Optional.of(schemes.get(0))),
            tables,
            calibration);
    Budget budget = new BudgetPlanner(request).plan(source, new DeltaStore(storage, tables));
    console.out().print(budget.text());
    Optional<String> file = config.find(QuantizeKeys.BUDGET_RULES);
    if (file.isPresent()) {
      BudgetFile.write(Path.of(file.orElseThrow()), budget.yaml());
      console.out().println("rules of the budget: " + file.orElseThrow());
    }
    return budget.recipe();
  }

  /** A folder that {@code calibrate} wrote; a file has scales of inputs. */
  private static boolean weighsBudget(Config config, CheckpointLocation place) {
    return config.isSet(QuantizeKeys.BUDGET) && place.file().isEmpty();
  }

  private static Recipe recipe(Config config, Optional<QuantScheme> scheme) {
    List<Rule> rules = new ArrayList<>(config.all(QuantizeKeys.SKIP));
    rules.addAll(config.all(QuantizeKeys.RULE));
    return new Recipe(
        scheme,
        rules,
        new Arithmetic(
            config.value(QuantizeKeys.ALGORITHM),
            numerics(config),
            config.value(QuantizeKeys.LAYOUT),
            new CalibratedOptions(
                config.value(QuantizeKeys.ACT_ORDER),
                config.value(QuantizeKeys.DAMPING),
                config.value(QuantizeKeys.SCALE_SEARCH),
                config.value(QuantizeKeys.STRENGTH),
                config.value(QuantizeKeys.DUO_SCALING)),
            new Sparsity(
                config.value(QuantizeKeys.SPARSITY),
                config.value(QuantizeKeys.SPARSITY_ALGORITHM))),
        config.value(QuantizeKeys.MAX_SHARD_SIZE),
        config.value(QuantizeKeys.NON_FINITE));
  }

  /** Checkpoints of torchao have torchao's arithmetic unless another one is asked for. */
  private static Numerics numerics(Config config) {
    boolean torchao = config.value(QuantizeKeys.LAYOUT) == CheckpointLayout.TORCHAO;
    return torchao && !config.isSet(QuantizeKeys.NUMERICS)
        ? Numerics.TORCHAO
        : config.value(QuantizeKeys.NUMERICS);
  }

  private static Optional<byte[]> configText(Checkpoint source, Storage storage)
      throws IOException {
    if (source.config().isEmpty()) {
      return Optional.empty();
    }
    try (ByteSource file = storage.folder(source.location()).open("config.json")) {
      byte[] text = new byte[Math.toIntExact(file.size())];
      file.readFully(0, text, 0, text.length);
      return Optional.of(text);
    }
  }
}
