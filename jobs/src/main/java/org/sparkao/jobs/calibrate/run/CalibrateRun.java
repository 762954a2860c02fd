package org.sparkao.jobs.calibrate.run;

import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.apache.spark.SparkContext;
import org.sparkao.gpu.device.DeviceInfo;
import org.sparkao.gpu.model.BlockInputs;
import org.sparkao.jobs.calibrate.plan.CalibrateOptions;
import org.sparkao.jobs.calibrate.plan.CalibrationMemory;
import org.sparkao.jobs.calibrate.plan.CalibrationPlan;
import org.sparkao.jobs.config.CommonKeys;
import org.sparkao.jobs.config.Config;
import org.sparkao.jobs.evaluate.plan.Sha256;
import org.sparkao.jobs.evaluate.run.CheckpointHash;
import org.sparkao.jobs.evaluate.run.ModelForm;
import org.sparkao.jobs.evaluate.run.ModelRequest;
import org.sparkao.jobs.gpu.PlannedDevice;
import org.sparkao.jobs.job.Console;
import org.sparkao.jobs.job.ProgramVersion;
import org.sparkao.jobs.job.RunNames;
import org.sparkao.jobs.job.StatusLine;
import org.sparkao.jobs.spark.TextStage;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.storage.WorkFolder;
import org.sparkao.jobs.table.CalibrationRow;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.RunRow;
import org.sparkao.jobs.table.TableRow;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.calibration.Calibration;
import org.sparkao.quant.calibration.CalibrationInfo;
import org.sparkao.quant.calibration.CalibrationInfo.Block;
import org.sparkao.quant.calibration.CalibrationInfo.Input;
import org.sparkao.quant.calibration.CalibrationInfo.Origin;
import org.sparkao.quant.calibration.CalibrationWriter;

/** Carries a plan out. What is finished in the output is not done again. */
public final class CalibrateRun {
  private static final String FINGERPRINT = "fingerprint";
  private static final String FORMAT = "calibration 1";

  private final CalibrateRequest request;
  private final PlannedDevice device;
  private final Config config;
  private final Console console;
  private final Storage storage;
  private final DeltaStore store;
  private final Folder output;
  private final BlockFiles files;
  private final String runId;

  /** A run, not yet begun. */
  public CalibrateRun(
      CalibrateRequest request, PlannedDevice device, Config config, Console console)
      throws IOException {
    this.request = request;
    this.device = device;
    this.config = config;
    this.console = console;
    this.storage = Storage.ofAssignments(config.all(CommonKeys.CONF));
    this.store = new DeltaStore(storage, config.value(CommonKeys.TABLES));
    this.output = storage.folder(request.output());
    this.files = new BlockFiles(output, request.plan().options().groups());
    this.runId = config.find(CommonKeys.RUN_ID).orElseGet(() -> RunNames.next("calibrate"));
  }

  /**
   * Refuses an output with files that are nobody's calibration.
   *
   * @param output folder, as it was named
   */
  public static void requireUsable(Storage storage, String output) throws IOException {
    Folder folder = storage.folder(output);
    if (!folder.list("").isEmpty()
        && folder.size(CalibrationWriter.INFO).isEmpty()
        && folder.size(BlockFiles.PLAN).isEmpty()) {
      throw otherOutput(folder, "files, none of them of a calibration");
    }
  }

  private static QuantException otherOutput(Folder output, String held) {
    return new QuantException(
        "--output "
            + output.location()
            + ": holds "
            + held
            + "; choose another folder, or delete it");
  }

  /** Name of the run. */
  public String runId() {
    return runId;
  }

  /**
   * Runs to the end.
   *
   * @return one row a linear layer
   * @throws QuantException when the model cannot be run, or output or name are another run's
   */
  public List<CalibrationRow> run(SparkContext spark) throws IOException {
    TextStage stage = new TextStage(spark, runId);
    String hash = CheckpointHash.of(request.checkpoint(), spark, storage, runId);
    GroupOutcome who = run(stage, work(""), List.of(GroupTask.asking()), "Open the model");
    console.out().println("numerics: " + who.way());
    List<GroupTask> tasks = tasks(spark, who.heapBytes());
    String fingerprint = fingerprint(hash, who);
    Optional<CalibrationInfo> finished = finished(fingerprint);
    RunRow run = begin(fingerprint, who, spark.applicationId());
    store.replaceRun(run);
    try {
      if (finished.isEmpty()) {
        calibrate(stage, work(who.way()), tasks);
        finish(hash, who, fingerprint);
      }
      List<CalibrationRow> rows =
          new CalibrationRows(runId, output.location(), Calibration.open(output))
              .of(request.plan().blocks());
      store.replace(CalibrationRow.TABLE, runId, rows.stream().map(CalibrationRow::toRow).toList());
      store.replaceRun(run.with(RunRow.Status.DONE, Instant.now()));
      return rows;
    } catch (QuantException e) {
      ended(run.with(RunRow.Status.REFUSED, Instant.now()), e);
      throw e;
    } catch (IOException | RuntimeException e) {
      ended(run.with(RunRow.Status.FAILED, Instant.now()), e);
      throw e;
    }
  }

  private void ended(RunRow run, Exception failure) {
    try {
      store.replaceRun(run);
    } catch (IOException | RuntimeException e) {
      failure.addSuppressed(e);
    }
  }

  private GroupWork work(String way) {
    CalibrateOptions options = request.plan().options();
    ModelRequest model =
        new ModelRequest(
            request.checkpoint().location(),
            request.onlyFile().orElse(""),
            ModelRequest.filesOf(request.checkpoint()),
            device,
            ModelForm.of(request.arithmetic()),
            new ModelRequest.Capacity(
                options.sequenceLength(),
                options.sequenceLength(),
                0,
                ModelRequest.Decoding.OF_ITEMS));
    return new GroupWork(model, output.location(), options, way);
  }

  /** What an earlier run left; another calibration is refused. */
  private Optional<CalibrationInfo> finished(String fingerprint) throws IOException {
    if (output.size(CalibrationWriter.INFO).isPresent()) {
      CalibrationInfo info = Calibration.open(output).info();
      if (fingerprint.equals(info.options().get(FINGERPRINT))) {
        console.err().println(output.location() + " is finished already");
        return Optional.of(info);
      }
      throw otherOutput(output, "a calibration of " + info.checkpoint().location());
    }
    requireUsable(storage, request.output());
    if (!files.claim(fingerprint)) {
      throw otherOutput(output, "another calibration, which is not finished");
    }
    return Optional.empty();
  }

  private void calibrate(TextStage stage, GroupWork work, List<GroupTask> tasks)
      throws IOException {
    CalibrationPlan plan = request.plan();
    Function<BlockInputs, List<String>> parts =
        plan.options().sequential().asked()
            ? SequentialPass::parts
            : block -> List.of(block.block());
    CalibrateProgress progress = new CalibrateProgress(files, plan.blocks(), parts, plan.tokens());
    StatusLine line = new StatusLine(console, progress::line);
    try {
      run(stage, work, tasks, "Calibrate " + request.checkpoint().location());
    } finally {
      line.close();
    }
    console.err().println(progress.line());
  }

  /** Neighbouring groups, as evenly as can be; refused when an executor has no memory for them. */
  private List<GroupTask> tasks(SparkContext spark, long heapBytes) {
    CalibrationPlan plan = request.plan();
    int groups = plan.options().groups();
    // No task is without a group, and memory is shared by those that there are.
    OptionalInt asked =
        request.partitions().isPresent()
            ? OptionalInt.of(Math.min(groups, request.partitions().getAsInt()))
            : OptionalInt.empty();
    TaskCount tasks = TaskCount.of(spark, device, asked, plan.options().sequential().asked());
    tasks.note().ifPresent(console.out()::println);
    int count = Math.min(tasks.count(), groups);
    int[] firsts =
        IntStream.rangeClosed(0, count).map(i -> (int) ((long) groups * i / count)).toArray();
    List<GroupTask> all = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      all.add(
          new GroupTask(
              firsts[i], firsts[i + 1], plan.sequences(firsts[i], firsts[i + 1]), i, count));
    }
    CalibrationMemory memory =
        device.kind() == DeviceInfo.Kind.CUDA
            ? CalibrationMemory.onGpu(plan, firsts)
            : CalibrationMemory.of(plan, (groups + count - 1) / count);
    memory.require(heapBytes / tasks.together(), plan.options());
    console.out().println(count + (count == 1 ? " task, " : " tasks, each ") + memory.text());
    return all;
  }

  private static GroupOutcome run(
      TextStage stage, GroupWork work, List<GroupTask> tasks, String description)
      throws IOException {
    AtomicReference<GroupOutcome> said = new AtomicReference<>();
    AtomicReference<String> refusal = new AtomicReference<>();
    try {
      stage.run(
          tasks,
          work,
          description,
          text -> {
            GroupOutcome outcome = GroupOutcome.fromJson(text);
            if (outcome.refusal().isEmpty()) {
              said.set(outcome);
            } else if (refusal.compareAndSet(null, outcome.refusal())) {
              stage.cancel("refused");
            }
          });
    } catch (IOException e) {
      if (refusal.get() == null) {
        throw e;
      }
    }
    if (refusal.get() != null) {
      throw new QuantException(refusal.get());
    }
    return said.get();
  }

  private String fingerprint(String checkpoint, GroupOutcome who) {
    CalibrationPlan plan = request.plan();
    CalibrateOptions options = plan.options();
    Sha256 hash = new Sha256().line(FORMAT).line(checkpoint).line(plan.sha256());
    hash.line(who.numerics()).line(who.device());
    hash.line(options.samples() + " " + options.sequenceLength() + " " + options.groups());
    new TreeMap<>(options.named()).forEach((name, value) -> hash.line(name + " " + value));
    return hash.hex();
  }

  /** Says what the folder is, which makes it a calibration. */
  private void finish(String hash, GroupOutcome who, String fingerprint) throws IOException {
    CalibrationPlan plan = request.plan();
    List<Block> blocks = new ArrayList<>();
    for (BlockInputs block : plan.blocks()) {
      String sha256 =
          files
              .finished(block.block())
              .orElseThrow(
                  () ->
                      new IOException(
                          output.location()
                              + ": "
                              + block.block()
                              + " is not finished after all tasks ended; run the same command"
                              + " again"));
      List<Input> inputs =
          block.inputs().stream()
              .map(input -> new Input(input.name(), input.columns(), input.modules()))
              .toList();
      blocks.add(new Block(block.block(), CalibrationWriter.file(block.block()), sha256, inputs));
    }
    Map<String, String> options = new LinkedHashMap<>(plan.options().named());
    options.put(FINGERPRINT, fingerprint);
    CalibrationInfo info =
        new CalibrationInfo(
            new Origin(request.checkpoint().location(), hash),
            new Origin(request.data(), plan.sha256()),
            plan.options().samples(),
            plan.options().sequenceLength(),
            plan.options().groups(),
            who.way(),
            options,
            blocks);
    output.replace(CalibrationWriter.INFO, CalibrationWriter.info(info));
    output.delete(WorkFolder.NAME);
  }

  private RunRow begin(String fingerprint, GroupOutcome who, String applicationId)
      throws IOException {
    Instant start = Instant.now();
    for (TableRow row : store.read(RunRow.TABLE, runId)) {
      if (!row.text(FINGERPRINT).equals(fingerprint)) {
        throw new QuantException(
            config.value(CommonKeys.TABLES)
                + ": run "
                + runId
                + " is in the tables already and did something else ("
                + row.text("source")
                + ", "
                + row.text("status")
                + "); choose another --run-id, or leave it out");
      }
      start = row.instant("started_at");
    }
    CalibrationPlan plan = request.plan();
    Map<String, List<String>> effective = new LinkedHashMap<>(config.effective());
    effective.put("device-used", List.of(device.name(), device.why()));
    return new RunRow(
        runId,
        "calibrate",
        RunNames.json(config.arguments()),
        RunNames.json(effective),
        ProgramVersion.current(),
        fingerprint,
        RunRow.Status.RUNNING,
        start,
        Optional.empty(),
        applicationId,
        new RunRow.Volume(
            request.checkpoint().location(),
            output.location(),
            who.numerics(),
            request.checkpoint().totalBytes(),
            0,
            request.checkpoint().tensors().size(),
            0,
            plan.blocks().size()));
  }
}
