package org.sparkao.jobs.evaluate;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.Collectors;
import org.sparkao.datasets.task.DataFolder;
import org.sparkao.datasets.task.EvalTasks;
import org.sparkao.datasets.task.EvaluationTask;
import org.sparkao.datasets.task.ItemOptions;
import org.sparkao.datasets.task.TaskException;
import org.sparkao.datasets.tokenizer.ChatTemplate;
import org.sparkao.datasets.tokenizer.Tokenizer;
import org.sparkao.datasets.tokenizer.Tokenizers;
import org.sparkao.gpu.device.DeviceInfo;
import org.sparkao.gpu.model.Arithmetic;
import org.sparkao.jobs.config.CommonKeys;
import org.sparkao.jobs.config.Config;
import org.sparkao.jobs.config.ConfigKey;
import org.sparkao.jobs.evaluate.logits.BaseItems;
import org.sparkao.jobs.evaluate.logits.LogitsRequest;
import org.sparkao.jobs.evaluate.plan.ContextLimit;
import org.sparkao.jobs.evaluate.plan.EvaluatePlan;
import org.sparkao.jobs.evaluate.plan.EvaluatePlanner;
import org.sparkao.jobs.evaluate.plan.ModelFacts;
import org.sparkao.jobs.evaluate.plan.PlanText;
import org.sparkao.jobs.evaluate.run.CheckpointModels;
import org.sparkao.jobs.evaluate.run.DataFiles;
import org.sparkao.jobs.evaluate.run.EvaluateRequest;
import org.sparkao.jobs.evaluate.run.EvaluateRun;
import org.sparkao.jobs.evaluate.run.HarnessJson;
import org.sparkao.jobs.evaluate.run.ModelForm;
import org.sparkao.jobs.evaluate.run.ModelSource;
import org.sparkao.jobs.evaluate.run.ResultLines;
import org.sparkao.jobs.evaluate.run.TokenizerFiles;
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
import org.sparkao.jobs.storage.Folder;
import org.sparkao.jobs.storage.ScratchFolder;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.EvalItemRow;
import org.sparkao.jobs.table.EvalResultRow;
import org.sparkao.jobs.table.RunRow;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.checkpoint.Checkpoint;

/** A checkpoint and tasks in, a row an item and metrics out. */
public final class EvaluateJob implements Job {
  /** The folder of kernels that it needs on a GPU. */
  private static final String KERNELS = "layer";

  private static final int CPU_BATCH_TOKENS = 8192;
  private static final int GPU_BATCH_TOKENS = 65536;

  private final ModelSource models;

  /** With the models of checkpoints. */
  public EvaluateJob() {
    this(new CheckpointModels());
  }

  /** With models from somewhere. */
  EvaluateJob(ModelSource models) {
    this.models = models;
  }

  @Override
  public String name() {
    return "evaluate";
  }

  @Override
  public String summary() {
    return "Measures a checkpoint on evaluation tasks; keeps what it said to every item, and"
        + " computes nothing twice.";
  }

  @Override
  public List<ConfigKey<?>> keys() {
    return EvaluateKeys.all();
  }

  /**
   * What would be evaluated; reads headers and data.
   *
   * @throws QuantException for what {@link #run} refuses before it computes
   */
  public EvaluatePlan plan(Config config) throws IOException {
    Storage storage = Storage.ofAssignments(config.all(CommonKeys.CONF));
    Checkpoint checkpoint =
        CheckpointLocation.of(config.value(EvaluateKeys.CHECKPOINT)).open(storage);
    return plan(checkpoint, storage, device(config), config);
  }

  private DevicePlan device(Config config) {
    return new DevicePlanner(KERNELS)
        .plan(config.value(EvaluateKeys.DEVICE), config, models::cpuOnly);
  }

  @Override
  public ExitCode run(Config config, Console console) throws Exception {
    Storage storage = Storage.ofAssignments(config.all(CommonKeys.CONF));
    CheckpointLocation location = CheckpointLocation.of(config.value(EvaluateKeys.CHECKPOINT));
    Checkpoint checkpoint = location.open(storage);
    DeltaStore store = new DeltaStore(storage, config.value(CommonKeys.TABLES));
    List.of(EvalItemRow.TABLE, EvalResultRow.TABLE, RunRow.TABLE)
        .forEach(store::requireKnownColumns);
    DevicePlan device = device(config);
    EvaluatePlan plan = plan(checkpoint, storage, device, config);
    if (device instanceof DevicePlan.Decided decided) {
      form(decided.device(), config);
    }
    LogitsRequest logits = logits(plan, storage, config);
    console.out().print(PlanText.of(plan));
    console.out().print(logits.text(plan));
    console.out().println(device.text());
    if (config.value(EvaluateKeys.DRY_RUN)) {
      return ExitCode.DONE;
    }
    try (SparkLease spark = SparkLease.open(config, "sparkao evaluate", device.sparkSettings())) {
      PlannedDevice decided =
          ExecutorGpus.decide(device, spark.context(), KERNELS, console.out()::println);
      EvaluateRun run =
          new EvaluateRun(
              new EvaluateRequest(
                  plan.withBatchTokens(batchTokens(isOnGpu(decided), config)),
                  checkpoint,
                  models,
                  settings(decided, logits, config)),
              decided,
              config,
              console);
      List<EvalResultRow> results = run.run(spark.context());
      console.out().println();
      ResultLines.of(results).forEach(console.out()::println);
      console.out().println();
      if (config.isSet(EvaluateKeys.OUTPUT)) {
        String file = config.value(EvaluateKeys.OUTPUT);
        storage.writeText(
            file,
            HarnessJson.of(
                plan, results, checkpoint.location(), fewshot(plan, config), config.effective()));
        console.out().println("wrote " + file);
      }
      console.out().println("run " + run.runId() + " is done");
    }
    return ExitCode.DONE;
  }

  private EvaluatePlan plan(
      Checkpoint checkpoint, Storage storage, DevicePlan device, Config config) throws IOException {
    ModelFacts facts = models.inspect(checkpoint, storage);
    int context = config.find(EvaluateKeys.MAX_LENGTH).orElse(facts.context());
    if (context > facts.context()) {
      throw new QuantException(
          "--max-length "
              + context
              + ": the model's context is "
              + facts.context()
              + " (max_position_embeddings in config.json)");
    }
    List<EvaluationTask> tasks =
        config.value(EvaluateKeys.TASKS).stream().map(EvalTasks::named).toList();
    try (ScratchFolder scratch = ScratchFolder.create(storage, "sparkao-evaluate")) {
      Path folder = TokenizerFiles.local(storage, checkpoint.location(), scratch.path());
      DataFiles data =
          DataFiles.local(storage, config.value(EvaluateKeys.DATA), tasks, scratch.path());
      ContextLimit limit = new ContextLimit(context, config.value(EvaluateKeys.TOO_LONG));
      try (Tokenizer tokenizer = Tokenizers.open(folder)) {
        return new EvaluatePlanner(
                facts, tokenizer, limit, batchTokens(device.mayUseGpus(), config))
            .plan(
                tasks,
                DataFolder.of(data.folder())
                    .withParquet(
                        file ->
                            SparkParquetRows.once(
                                config, "sparkao evaluate: data", data.uri(file))),
                options(config, folder),
                config.find(EvaluateKeys.LIMIT).orElse(Integer.MAX_VALUE));
      } catch (TaskException e) {
        throw new QuantException(data.told(e.getMessage()), e);
      }
    }
  }

  private static boolean isOnGpu(PlannedDevice device) {
    return device.kind() == DeviceInfo.Kind.CUDA;
  }

  /** What executors that may have a GPU turn out to have decides, not what was planned for. */
  static int batchTokens(boolean onGpu, Config config) {
    return config
        .find(EvaluateKeys.BATCH_TOKENS)
        .orElse(onGpu ? GPU_BATCH_TOKENS : CPU_BATCH_TOKENS);
  }

  private static ItemOptions options(Config config, Path folder) {
    ItemOptions options = ItemOptions.ofTask();
    if (config.isSet(EvaluateKeys.NUM_FEWSHOT)) {
      options = options.withFewshot(config.value(EvaluateKeys.NUM_FEWSHOT));
    }
    if (config.isSet(EvaluateKeys.SYSTEM_PROMPT)) {
      options = options.withSystemPrompt(config.value(EvaluateKeys.SYSTEM_PROMPT));
    }
    return config.value(EvaluateKeys.CHAT_TEMPLATE)
        ? options.withChat(ChatTemplate.open(folder))
        : options;
  }

  private static Map<String, Integer> fewshot(EvaluatePlan plan, Config config) {
    ItemOptions options = ItemOptions.ofTask();
    ItemOptions asked =
        config.find(EvaluateKeys.NUM_FEWSHOT).map(options::withFewshot).orElse(options);
    return plan.tasks().stream()
        .collect(Collectors.toMap(EvaluationTask::name, task -> task.fewshot(asked)));
  }

  private static LogitsRequest logits(EvaluatePlan plan, Storage storage, Config config)
      throws IOException {
    Folder folder = storage.folder(config.value(CommonKeys.TABLES) + "/" + LogitsRequest.FOLDER);
    Map<Integer, String> base = Map.of();
    if (config.isSet(EvaluateKeys.BASE)) {
      DeltaStore store = new DeltaStore(storage, config.value(CommonKeys.TABLES));
      base = new BaseItems(config.value(EvaluateKeys.BASE), store, folder).keys(plan);
    }
    return new LogitsRequest(
        folder.location(),
        plan.model().vocabulary(),
        config.value(EvaluateKeys.STORE_LOGITS)
            ? LogitsRequest.Keeping.LOGITS
            : LogitsRequest.Keeping.NOTHING,
        base);
  }

  private static EvaluateRequest.Settings settings(
      PlannedDevice device, LogitsRequest logits, Config config) {
    OptionalInt partitions =
        config.find(EvaluateKeys.PARTITIONS).map(OptionalInt::of).orElse(OptionalInt.empty());
    return new EvaluateRequest.Settings(
        form(device, config),
        config.find(EvaluateKeys.MEMORY).orElse(0L),
        CheckpointLocation.of(config.value(EvaluateKeys.CHECKPOINT)).file(),
        partitions,
        logits);
  }

  /** Refuses what the device cannot do. */
  private static ModelForm form(PlannedDevice device, Config config) {
    Arithmetic usual = isOnGpu(device) ? Arithmetic.BF16 : Arithmetic.FP32;
    ModelForm form =
        new ModelForm(
            config.find(EvaluateKeys.ARITHMETIC).orElse(usual),
            config.value(EvaluateKeys.KV_CACHE),
            config.value(EvaluateKeys.HEAD),
            config.value(EvaluateKeys.EMBEDDING));
    form.requireOn(device.kind());
    return form;
  }
}
