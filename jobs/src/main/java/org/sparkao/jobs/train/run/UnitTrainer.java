package org.sparkao.jobs.train.run;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.DoubleStream;
import org.apache.spark.TaskContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparkao.gpu.fake.FakeSettings;
import org.sparkao.gpu.fake.SchemeFakes;
import org.sparkao.gpu.train.KeptZeros;
import org.sparkao.gpu.train.SingleBlock;
import org.sparkao.gpu.train.StepReport;
import org.sparkao.gpu.train.Trainer;
import org.sparkao.gpu.train.TrainingOperators;
import org.sparkao.gpu.train.TrainingTask;
import org.sparkao.jobs.job.Texts;
import org.sparkao.jobs.quantize.plan.LinearModules;
import org.sparkao.jobs.quantize.run.ScalesReader;
import org.sparkao.jobs.train.plan.TrainOptions;
import org.sparkao.quant.algorithm.GivenScales;
import org.sparkao.quant.algorithm.ModuleScales;
import org.sparkao.quant.scheme.Schemes;

/** Makes the steps of one unit after the other, and keeps their states. */
final class UnitTrainer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(UnitTrainer.class);
  private static final long SAY_NANOS = 5_000_000_000L;
  private static final int QUARTERS = 4;

  private final TrainSettings settings;
  private final UnitFiles files;
  private final ScalesReader scales;
  private final TaskContext context;
  private final Team team;
  private final TrainDevice device;
  private long said = System.nanoTime() - SAY_NANOS;

  UnitTrainer(
      TrainSettings settings,
      UnitFiles files,
      ScalesReader scales,
      TaskContext context,
      Team team) {
    this.settings = settings;
    this.files = files;
    this.scales = scales;
    this.context = context;
    this.team = team;
    this.device = TrainDevice.open(settings.options().compute());
  }

  TrainingOperators operators() {
    return device.operators();
  }

  /** Of a model or a block that is yet to be made. */
  SchemeFakes fakes() {
    TrainOptions options = settings.options();
    return new SchemeFakes(
        device.fakes(),
        new FakeSettings(options.numerics(), settings.stored(), options.ranges()),
        new SchemeFakes.Modules(
            module -> Optional.ofNullable(settings.schemes().get(module)).map(Schemes::parse),
            module -> LinearModules.fusedGroup(module).orElse(module),
            module -> Optional.empty(),
            this::initialScales));
  }

  private Optional<GivenScales> initialScales(String module) {
    try {
      return scales.of(module);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Whether nothing of a unit is left to do. */
  boolean isFinished(int unit) throws IOException {
    return files.state(unit, settings.options().steps()).map(UnitState::isFinished).orElse(false);
  }

  /** Gives a block the values of its finished training. */
  void restore(int unit, SingleBlock block) throws IOException {
    UnitState state = files.state(unit, settings.options().steps()).orElseThrow();
    files.restore(block, state);
  }

  /**
   * Trains a unit, from its last state on.
   *
   * @param task what is trained; stays the caller's
   * @param fakes that it was made with
   */
  void train(int unit, TrainingTask task, SchemeFakes fakes) throws IOException {
    if (!settings.options().keepsZeros()) {
      trainOn(unit, task, fakes);
      return;
    }
    try (KeptZeros keeping = new KeptZeros(device.operators(), task)) {
      LOG.info(
          "{}: {} weights stay zero",
          unit == UnitTask.MODEL ? "The model" : "Block " + unit,
          Texts.count(keeping.zeros()));
      trainOn(unit, keeping, fakes);
    }
  }

  private void trainOn(int unit, TrainingTask task, SchemeFakes fakes) throws IOException {
    TrainOptions options = settings.options();
    try (Trainer trainer =
        new Trainer(device.operators(), task, device.adamW(), options.trainer())) {
      Optional<UnitState> kept = files.state(unit, options.steps());
      team.begin(trainer, kept);
      if (kept.isPresent() && kept.get().isFinished()) {
        return;
      }
      List<StepRecord> records = new ArrayList<>();
      if (kept.isPresent()) {
        files.resume(trainer, kept.get(), team.worker());
        records.addAll(kept.get().records());
      }
      while (trainer.done() < options.steps()) {
        int begin = trainer.done();
        int local = options.averaging().localSteps();
        int end = Math.min(options.steps(), (begin / local + 1) * local);
        boolean saves =
            end == options.steps() || end / settings.saveEvery() > begin / settings.saveEvery();
        List<StepRecord> own = steps(trainer, end, unit);
        records.addAll(team.average(trainer, own, saves));
        if (saves) {
          UnitState now = state(unit, end, records, fakes.learned());
          team.keep(trainer, now, kept);
          kept = Optional.of(now);
        }
      }
    }
  }

  private List<StepRecord> steps(Trainer trainer, int end, int unit) throws IOException {
    List<StepRecord> records = new ArrayList<>();
    while (trainer.done() < end) {
      context.killTaskIfInterrupted();
      records.add(step(trainer));
      boolean last = trainer.done() == settings.options().steps();
      if (team.worker() == 0 && (System.nanoTime() - said > SAY_NANOS || last)) {
        files.progress(unit, trainer.done());
        said = System.nanoTime();
      }
    }
    return records;
  }

  private StepRecord step(Trainer trainer) {
    TrainOptions options = settings.options();
    long begin = System.nanoTime();
    StepReport report = trainer.step(team.worker(), options.averaging().workers());
    return new StepRecord(
        report.step(),
        report.loss().mean(),
        report.learningRate(),
        report.gradientNorm(),
        (long) options.batchSequences() * options.sequenceLength(),
        (System.nanoTime() - begin) / 1e9,
        List.of());
  }

  /** The last record gets the learned scales, which are written at the end. */
  private UnitState state(
      int unit, int step, List<StepRecord> records, Map<String, ModuleScales> scales)
      throws IOException {
    TrainOptions options = settings.options();
    if (!scales.isEmpty()) {
      records.add(records.remove(records.size() - 1).withScales(quantiles(scales)));
      if (team.worker() == 0 && step == options.steps()) {
        files.keep(unit, scales);
      }
    }
    int workers = options.averaging().workers();
    return new UnitState(unit, step, options.steps(), workers, records);
  }

  private static List<Double> quantiles(Map<String, ModuleScales> scales) {
    int count = scales.values().stream().mapToInt(s -> s.scales().scales().length).sum();
    double[] all = new double[count];
    int at = 0;
    for (ModuleScales module : scales.values()) {
      for (float scale : module.scales().scales()) {
        all[at++] = scale;
      }
    }
    Arrays.sort(all);
    DoubleStream.Builder quantiles = DoubleStream.builder();
    for (int i = 0; i <= QUARTERS; i++) {
      quantiles.add(all[(int) ((long) (count - 1) * i / QUARTERS)]);
    }
    return quantiles.build().boxed().toList();
  }

  @Override
  public void close() {
    device.close();
  }
}
