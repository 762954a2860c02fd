package org.sparkao.jobs.quantize.run;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongConsumer;
import java.util.stream.Collectors;
import org.sparkao.gpu.device.DeviceInfo.Kind;
import org.sparkao.jobs.quantize.plan.Arithmetic;
import org.sparkao.jobs.quantize.plan.CalibrationMemory;
import org.sparkao.jobs.quantize.plan.ShardTask;
import org.sparkao.jobs.quantize.plan.TensorTask;
import org.sparkao.jobs.quantize.plan.TensorTask.Copy;
import org.sparkao.jobs.quantize.run.ShardOutcome.TensorOutcome;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.algorithm.WeightAlgorithm.Needs;
import org.sparkao.quant.calibration.Calibration;
import org.sparkao.quant.checkpoint.FileEntry;
import org.sparkao.quant.safetensors.ByteSink;
import org.sparkao.quant.safetensors.ShardWriter;
import org.sparkao.quant.safetensors.TensorSpec;
import org.sparkao.quant.safetensors.WrittenTensor;

/** Writes one file of the output, with or without Spark around it. */
final class ShardFile {
  private final ShardSettings settings;
  private final Storage storage;
  private final LongConsumer progress;
  private final TaskClock clock;

  /**
   * A writer of files.
   *
   * @param progress told the bytes read, as they are read
   * @param clock told where the time goes
   */
  ShardFile(ShardSettings settings, Storage storage, LongConsumer progress, TaskClock clock) {
    this.settings = settings;
    this.storage = storage;
    this.progress = progress;
    this.clock = clock;
  }

  /**
   * Writes the file, which appears when it is whole and durable.
   *
   * @param part its name until then
   * @throws QuantException when the source is not what it was at planning, or refused by policy
   */
  List<TensorOutcome> write(ShardTask task, Folder output, String part) throws IOException {
    requireUnchanged(task);
    MemoryShare heap = MemoryShare.ofHeap();
    Kind kind = settings.device().kind();
    CalibrationMemory.require(settings.arithmetic(), task, kind, heap.bytes());
    MemoryShare.Taken held = heap.take(CalibrationMemory.bytes(settings.arithmetic(), task, kind));
    try {
      return written(task, output, part);
    } finally {
      held.close();
    }
  }

  private List<TensorOutcome> written(ShardTask task, Folder output, String part)
      throws IOException {
    List<UnitWorker.Result> results = new ArrayList<>();
    List<WrittenTensor> written;
    try (ByteSink sink = output.sink(part, task.file());
        WeightDevice device = WeightDevice.of(settings.device());
        Calibrated calibrated = calibrated(device, task)) {
      ShardWriter writer = new ShardWriter(sink, task.header(settings.arithmetic()));
      UnitWorker.Tools tools =
          new UnitWorker.Tools(
              device, calibrated.weights(), calibrated.smoother(), calibrated.pruning());
      UnitWorker worker = new UnitWorker(settings, tools, storage, writer, progress, clock);
      clock.begin(device.work());
      for (ShardTask.Unit unit : task.units()) {
        results.addAll(worker.work(unit));
      }
      clock.end(device.work());
      requireUnchanged(task);
      written = writer.finish();
    }
    Map<String, WrittenTensor> byName = new HashMap<>();
    written.forEach(tensor -> byName.put(tensor.name(), tensor));
    List<TensorOutcome> outcomes = new ArrayList<>();
    List<TensorTask> tasks = task.tensors();
    for (int i = 0; i < results.size(); i++) {
      List<WrittenTensor> parts =
          tasks.get(i).outputs(settings.arithmetic()).stream()
              .map(TensorSpec::name)
              .map(byName::get)
              .toList();
      UnitWorker.Result result = results.get(i);
      UnitWorker.Became became = result.became();
      outcomes.add(
          new TensorOutcome(
              result.sourceSha256(),
              became.nonFinite(),
              parts,
              became.statistics().orElse(null),
              became.pruning().orElse(null),
              became.fallback(),
              result.elapsedNanos()));
    }
    return outcomes;
  }

  /** What looks at activations, where the algorithm does. */
  private record Calibrated(
      Optional<CalibratedWeights> weights,
      Optional<Smoother> smoother,
      Pruning pruning,
      MemoryShare.Taken onDevice)
      implements AutoCloseable {
    private static final MemoryShare.Taken NOTHING = () -> {};

    @Override
    public void close() {
      weights.ifPresent(CalibratedWeights::close);
      pruning.close();
      onDevice.close();
    }
  }

  private Calibrated calibrated(WeightDevice device, ShardTask task) throws IOException {
    Arithmetic arithmetic = settings.arithmetic();
    if (!arithmetic.needsInputs()) {
      Pruning pruning = new Pruning(arithmetic, Optional.empty());
      return new Calibrated(Optional.empty(), Optional.empty(), pruning, Calibrated.NOTHING);
    }
    Calibration statistics = Calibration.open(storage.folder(settings.calibration().location()));
    Pruning pruning = new Pruning(arithmetic, Optional.of(CalibratedWeights.Inputs.of(statistics)));
    if (arithmetic.algorithm().needs() == Needs.NOTHING) {
      return new Calibrated(Optional.empty(), Optional.empty(), pruning, Calibrated.NOTHING);
    }
    if (settings.smoothing().isEmpty()) {
      CalibratedWeights weights =
          new CalibratedWeights(
              CalibratedWeights.Inputs.of(statistics), arithmetic.calibrated(), device.gptq());
      MemoryShare.Taken onDevice = device.take(CalibrationMemory.deviceBytes(arithmetic, task));
      return new Calibrated(Optional.of(weights), Optional.empty(), pruning, onDevice);
    }
    Folder source = storage.folder(settings.source().location());
    Smoother smoother = new Smoother(source, statistics, arithmetic, settings.smoothing());
    return new Calibrated(Optional.empty(), Optional.of(smoother), pruning, Calibrated.NOTHING);
  }

  private void requireUnchanged(ShardTask task) throws IOException {
    requireUnchanged(settings.source(), task, Copy.Origin.CHECKPOINT);
    requireUnchanged(settings.calibration(), task, Copy.Origin.CALIBRATION);
    new ScalesReader(settings.scales(), storage).requireUnchanged();
  }

  private void requireUnchanged(Planned folder, ShardTask task, Copy.Origin origin)
      throws IOException {
    boolean statistics = origin == Copy.Origin.CALIBRATION && settings.arithmetic().needsInputs();
    Set<String> read =
        task.tensors().stream()
            .filter(tensor -> origin(tensor) == origin)
            .map(tensor -> tensor.tensor().file())
            .collect(Collectors.toSet());
    List<FileEntry> planned =
        folder.files().stream()
            .filter(file -> statistics || read.contains(file.name()))
            .map(Planned.SourceFile::entry)
            .toList();
    if (!planned.isEmpty()) {
      PlannedFiles.require(storage.folder(folder.location()), planned);
    }
  }

  private static Copy.Origin origin(TensorTask task) {
    return task instanceof Copy copy ? copy.origin() : Copy.Origin.CHECKPOINT;
  }
}
