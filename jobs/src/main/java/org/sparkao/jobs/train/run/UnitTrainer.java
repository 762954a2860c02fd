package org.sparkao.jobs.train.run;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.DoubleStream;
import org.apache.spark.TaskContext;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.fake.FakeSettings;
import org.sparkao.gpu.fake.FakeSettings.Ranges;
import org.sparkao.gpu.fake.SchemeFakes;
import org.sparkao.gpu.optimizer.HostAdamW;
import org.sparkao.gpu.train.StepReport;
import org.sparkao.gpu.train.Trainer;
import org.sparkao.gpu.train.TrainingOperators;
import org.sparkao.gpu.train.TrainingTask;
import org.sparkao.gpu.train.cpu.CpuTrainingOperators;
import org.sparkao.jobs.quantize.plan.LinearModules;
import org.sparkao.jobs.train.plan.TrainOptions;
import org.sparkao.quant.algorithm.ModuleScales;
import org.sparkao.quant.scheme.Schemes;

/** Makes the steps of one unit after the other, and keeps their states. */
final class UnitTrainer implements AutoCloseable {
  private static final long SAY_NANOS = 5_000_000_000L;
  private static final int QUARTERS = 4;

  private final TrainSettings settings;
  private final UnitFiles files;
  private final TaskContext context;
  private final CpuDevice device = CpuDevice.open();
  private final CpuTrainingOperators operators;

  UnitTrainer(TrainSettings settings, UnitFiles files, TaskContext context) {
    this.settings = settings;
    this.files = files;
    this.context = context;
    this.operators = new CpuTrainingOperators(device, Runtime.getRuntime().availableProcessors());
  }

  TrainingOperators operators() {
    return operators;
  }

  /** Of a model or a block that is yet to be made. */
  SchemeFakes fakes() {
    TrainOptions options = settings.options();
    return new SchemeFakes(
        device,
        operators.workers(),
        new FakeSettings(options.numerics(), settings.stored(), options.ranges()),
        new SchemeFakes.Modules(
            module -> Optional.ofNullable(settings.schemes().get(module)).map(Schemes::parse),
            module -> LinearModules.fusedGroup(module).orElse(module),
            module -> Optional.empty()));
  }

  /** Whether nothing of a unit is left to do. */
  boolean isFinished(int unit) throws IOException {
    return files.state(unit, settings.options().steps()).map(UnitState::isFinished).orElse(false);
  }

  /**
   * Trains a unit, from its last state on.
   *
   * @param task what is trained; stays the caller's
   * @param fakes that it was made with
   */
  void train(int unit, TrainingTask task, SchemeFakes fakes) throws IOException {
    TrainOptions options = settings.options();
    try (Trainer trainer =
        new Trainer(operators, task, new HostAdamW(operators.workers()), options.trainer())) {
      Optional<UnitState> kept = files.state(unit, options.steps());
      List<StepRecord> records = new ArrayList<>();
      if (kept.isPresent()) {
        files.resume(trainer, kept.get());
        records.addAll(kept.get().records());
      }
      long said = System.nanoTime() - SAY_NANOS;
      while (trainer.done() < options.steps()) {
        context.killTaskIfInterrupted();
        StepRecord record = step(trainer);
        boolean last = trainer.done() == options.steps();
        if (System.nanoTime() - said > SAY_NANOS || last) {
          files.progress(unit, trainer.done());
          said = System.nanoTime();
        }
        if (!last && trainer.done() % settings.saveEvery() != 0) {
          records.add(record);
          continue;
        }
        Map<String, ModuleScales> scales =
            options.ranges() == Ranges.COMPUTED ? Map.of() : fakes.learned();
        records.add(withScales(record, scales));
        if (last && !scales.isEmpty()) {
          files.keep(unit, scales);
        }
        UnitState now = new UnitState(unit, trainer.done(), options.steps(), records);
        files.keep(trainer, now, kept);
        kept = Optional.of(now);
      }
    }
  }

  private StepRecord step(Trainer trainer) {
    long begin = System.nanoTime();
    StepReport report = trainer.step();
    return new StepRecord(
        report.step(),
        report.loss().mean(),
        report.learningRate(),
        report.gradientNorm(),
        (long) settings.options().batchSequences() * settings.options().sequenceLength(),
        (System.nanoTime() - begin) / 1e9,
        List.of());
  }

  private static StepRecord withScales(StepRecord record, Map<String, ModuleScales> scales) {
    if (scales.isEmpty()) {
      return record;
    }
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
    return new StepRecord(
        record.step(),
        record.loss(),
        record.learningRate(),
        record.gradientNorm(),
        record.tokens(),
        record.seconds(),
        quantiles.build().boxed().toList());
  }

  @Override
  public void close() {
    operators.close();
  }
}
