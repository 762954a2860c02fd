package org.sparkao.jobs.quantize.run;

import static java.util.stream.Collectors.joining;

import java.io.IOException;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongConsumer;
import java.util.stream.Stream;
import org.sparkao.jobs.quantize.plan.NonFinitePolicy;
import org.sparkao.jobs.quantize.plan.ShardTask;
import org.sparkao.jobs.quantize.plan.TensorTask;
import org.sparkao.jobs.quantize.plan.TensorTask.Copy;
import org.sparkao.jobs.quantize.plan.TensorTask.Prune;
import org.sparkao.jobs.quantize.plan.TensorTask.Quantize;
import org.sparkao.jobs.quantize.plan.TensorTask.Unpack;
import org.sparkao.jobs.quantize.run.TaskTimes.Stage;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.algorithm.GivenScales;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.algorithm.Quantizers;
import org.sparkao.quant.algorithm.TensorQuantizer;
import org.sparkao.quant.checkpoint.TensorCopy;
import org.sparkao.quant.checkpoint.WeightReader;
import org.sparkao.quant.checkpoint.WeightSource;
import org.sparkao.quant.metric.TensorStatistics;
import org.sparkao.quant.observe.TensorRange;
import org.sparkao.quant.pack.PackedPart;
import org.sparkao.quant.prune.PruneStatistics;
import org.sparkao.quant.prune.WeightPruner;
import org.sparkao.quant.safetensors.ByteSource;
import org.sparkao.quant.safetensors.NonFinite;
import org.sparkao.quant.safetensors.Sha256;
import org.sparkao.quant.safetensors.ShardWriter;
import org.sparkao.quant.safetensors.TensorEntry;
import org.sparkao.quant.scheme.QuantArgs;
import org.sparkao.quant.scheme.QuantScheme;

/** Works off the units of a file: reads slices, quantizes, writes at the final place. */
final class UnitWorker {
  private final ShardSettings settings;
  private final WeightDevice device;
  private final Folder source;
  private final Storage storage;
  private final ShardWriter writer;
  private final LongConsumer progress;
  private final TaskClock clock;
  private final Optional<CalibratedWeights> calibrated;
  private final Optional<Smoother> smoother;
  private final Pruning pruning;
  private final ScalesReader scales;
  private byte[] slice = new byte[0];

  /**
   * A worker for one file.
   *
   * @param tools of the caller, who closes them
   * @param progress told the bytes read, as they are read
   * @param clock told where the time goes
   */
  UnitWorker(
      ShardSettings settings,
      Tools tools,
      Storage storage,
      ShardWriter writer,
      LongConsumer progress,
      TaskClock clock)
      throws IOException {
    this.settings = settings;
    this.device = tools.device();
    this.calibrated = tools.calibrated();
    this.smoother = tools.smoother();
    this.pruning = tools.pruning();
    this.storage = storage;
    this.source = storage.folder(settings.source().location());
    this.scales = new ScalesReader(settings.scales(), storage);
    this.writer = writer;
    this.progress = progress;
    this.clock = clock;
  }

  /**
   * What weights become codes with.
   *
   * @param device where
   * @param calibrated for algorithms that choose codes by activations
   * @param smoother for algorithms that scale weights by them
   * @param pruning chooses zeros
   */
  record Tools(
      WeightDevice device,
      Optional<CalibratedWeights> calibrated,
      Optional<Smoother> smoother,
      Pruning pruning) {}

  /** What became of a tensor; its parts are known to the writer alone until the file is done. */
  record Result(String sourceSha256, Became became, long elapsedNanos) {}

  /**
   * What became of the numbers of a tensor.
   *
   * @param nonFinite NaN and infinities that were read
   * @param statistics of its errors, unless it is the same
   * @param pruning of its zeros, where some were asked for
   * @param fallback what did not go as it was asked for; empty when all did
   */
  record Became(
      long nonFinite,
      Optional<TensorStatistics> statistics,
      Optional<PruneStatistics> pruning,
      String fallback) {
    static Became same(long nonFinite) {
      return new Became(nonFinite, Optional.empty(), Optional.empty(), "");
    }
  }

  /** Works off one unit; gives a result for each of its tensors. */
  List<Result> work(ShardTask.Unit unit) throws IOException {
    TensorRange shared = sharedRange(unit);
    List<Result> results = new ArrayList<>();
    for (TensorTask task : unit.tensors()) {
      long start = System.nanoTime();
      MessageDigest digest = Sha256.newDigest();
      Became became = become(task, shared, digest);
      requireFinite(task, became.nonFinite());
      long nanos = System.nanoTime() - start;
      results.add(new Result(Sha256.hex(digest), became, nanos));
    }
    return results;
  }

  private Became become(TensorTask task, TensorRange shared, MessageDigest digest)
      throws IOException {
    if (task instanceof Quantize weight) {
      return hold(() -> quantize(weight, shared, digest));
    }
    if (task instanceof Prune weight) {
      return prune(weight, digest);
    }
    return Became.same(
        task instanceof Unpack weight ? unpack(weight, digest) : copy((Copy) task, digest));
  }

  private <R> R hold(WeightDevice.Work<R> work) throws IOException {
    long asked = System.nanoTime();
    return device.hold(
        () -> {
          clock.add(Stage.PERMIT, System.nanoTime() - asked);
          return work.run();
        });
  }

  private void read(WeightReader reader, long row, int rows) throws IOException {
    clock.time(Stage.READ, () -> reader.readRows(row, rows, slice, 0));
  }

  private void requireFinite(TensorTask task, long nonFinite) throws IOException {
    if (nonFinite == 0 || settings.nonFinite() == NonFinitePolicy.KEEP) {
      return;
    }
    throw new QuantException(
        task.tensor().entry().name()
            + " in "
            + folder(task).location()
            + "/"
            + task.tensor().file()
            + ": "
            + nonFinite
            + " of "
            + task.sourceBytes() * 8 / task.tensor().entry().dtype().bits()
            + " values are NaN or infinite; repair the checkpoint, or keep and count them with"
            + " --non-finite keep");
  }

  /** One global scale serves all layers that a loader fuses. */
  private TensorRange sharedRange(ShardTask.Unit unit) throws IOException {
    TensorRange range = TensorRange.EMPTY;
    for (TensorTask task : unit.tensors()) {
      if (task instanceof Quantize weight && sharesScale(request(weight).scheme())) {
        range = range.merge(hold(() -> range(weight)));
      }
    }
    return range;
  }

  private static boolean sharesScale(QuantScheme scheme) {
    return scheme.weights().scale() == QuantArgs.ScaleKind.E4M3_WITH_GLOBAL;
  }

  private QuantizeRequest request(Quantize weight) {
    return settings.arithmetic().request(weight);
  }

  private TensorRange range(Quantize task) throws IOException {
    WeightSource weight = task.weight();
    TensorRange range = TensorRange.EMPTY;
    int step = WeightSlices.rows(weight, 1);
    require(weight, step);
    try (WeightReader reader = WeightReader.open(source, weight)) {
      WeightRows pruned = new WeightRows(reader, weight, pruning.of(task), clock);
      for (long row = 0; row < weight.rows(); row += step) {
        int rows = (int) Math.min(step, weight.rows() - row);
        pruned.read(row, rows, slice);
        int count = Math.toIntExact(rows * weight.columns());
        long begin = System.nanoTime();
        range = range.merge(device.range(slice, count, weight.dtype()));
        clock.add(
            device.work().isPresent() ? Stage.WAIT : Stage.COMPUTE, System.nanoTime() - begin);
      }
    }
    return range;
  }

  private Became quantize(Quantize task, TensorRange shared, MessageDigest digest)
      throws IOException {
    WeightSource weight = task.weight();
    QuantizeRequest request = request(task);
    TensorQuantizer quantizer = quantizer(task, request, shared);
    Optional<WeightPruner> pruner = pruning.of(task);
    WeightSlices slices = new WeightSlices(weight, quantizer);
    require(weight, slices.rows());
    int rowBytes = Math.toIntExact(weight.dtype().bytes(weight.columns()));
    try (WeightReader reader = WeightReader.open(source, weight, digest);
        SliceFlow flow =
            new SliceFlow(
                quantizer,
                slices,
                rowBytes,
                clock,
                (row, rows) -> append(task, slices, row, rows))) {
      WeightRows pruned = new WeightRows(reader, weight, pruner, clock);
      for (long row = 0; row < weight.rows(); row += slices.rows()) {
        int rows = (int) Math.min(slices.rows(), weight.rows() - row);
        pruned.read(row, rows, slice);
        smooth(task.module(), weight, row, rows);
        flow.put(slice, row, rows);
      }
      flow.finish();
    }
    clock.add(quantizer);
    String fallback =
        calibrated
            .map(one -> one.fallback(task, List.of(quantizer)))
            .or(() -> smoother.map(one -> one.fallback(task.module())))
            .orElse("");
    String ofZeros = pruner.map(pruning::fallback).orElse("");
    return new Became(
        quantizer.statistics().nonFinite(),
        Optional.of(quantizer.statistics()),
        pruner.map(WeightPruner::statistics),
        Stream.of(ofZeros, fallback).filter(text -> !text.isEmpty()).collect(joining("; ")));
  }

  private Became prune(Prune task, MessageDigest digest) throws IOException {
    WeightSource weight = task.weight();
    WeightPruner pruner = pruning.of(task).orElseThrow();
    String name = task.outputs(settings.arithmetic()).get(0).name();
    int step = WeightSlices.rows(weight, 1);
    require(weight, step);
    long nonFinite = 0;
    try (WeightReader reader = WeightReader.open(source, weight, digest)) {
      WeightRows pruned = new WeightRows(reader, weight, Optional.of(pruner), clock);
      for (long row = 0; row < weight.rows(); row += step) {
        int rows = (int) Math.min(step, weight.rows() - row);
        pruned.read(row, rows, slice);
        nonFinite += append(task, name, rows);
      }
    }
    PruneStatistics zeros = pruner.statistics();
    return new Became(
        nonFinite,
        Optional.of(zeros.errors(nonFinite)),
        Optional.of(zeros),
        pruning.fallback(pruner));
  }

  /** Writes rows as they are in the slice; gives the number of NaN and infinities among them. */
  private long append(TensorTask task, String name, int rows) throws IOException {
    WeightSource weight = task instanceof Unpack unpack ? unpack.weight() : ((Prune) task).weight();
    int bytes = Math.toIntExact(weight.dtype().bytes(rows * weight.columns()));
    clock.time(Stage.WRITE, () -> writer.append(name, slice, 0, bytes));
    progress.accept(task.sourceBytes() * rows / weight.rows());
    return NonFinite.count(weight.dtype(), slice, 0, bytes);
  }

  private void smooth(String module, WeightSource weight, long row, int rows) throws IOException {
    if (smoother.isPresent() && smoother.get().changes(module)) {
      int columns = Math.toIntExact(weight.columns());
      clock.time(
          Stage.COMPUTE,
          () -> smoother.get().apply(module, weight.dtype(), slice, row, rows, columns));
    }
  }

  /** Learned scales need no range, and no device. */
  private TensorQuantizer quantizer(Quantize task, QuantizeRequest request, TensorRange shared)
      throws IOException {
    Optional<GivenScales> given = scales.of(task.module());
    if (given.isPresent()) {
      return Quantizers.create(request, given.orElseThrow());
    }
    Optional<TensorRange> range =
        !request.scheme().needsTensorRange()
            ? Optional.empty()
            : Optional.of(sharesScale(request.scheme()) ? shared : range(task));
    return calibrated.isPresent()
        ? calibrated.orElseThrow().quantizer(task, request, range)
        : device.quantizer(request, range);
  }

  private void append(Quantize task, WeightSlices slices, long row, int rows) throws IOException {
    List<PackedPart> parts = slices.parts();
    for (int i = 0; i < parts.size(); i++) {
      String name = task.output(parts.get(i)).name();
      int length = slices.length(i, row, row + rows);
      byte[] part = slices.out()[i];
      clock.time(Stage.WRITE, () -> writer.append(name, part, 0, length));
    }
    progress.accept(task.sourceBytes() * rows / task.weight().rows());
  }

  /** Gives the number of NaN and infinities among the unpacked weights. */
  private long unpack(Unpack task, MessageDigest digest) throws IOException {
    WeightSource weight = task.weight();
    long nonFinite = 0;
    int step = WeightSlices.rows(weight, 1);
    require(weight, step);
    String name = task.outputs(settings.arithmetic()).get(0).name();
    try (WeightReader reader = WeightReader.open(source, weight, digest)) {
      for (long row = 0; row < weight.rows(); row += step) {
        int rows = (int) Math.min(step, weight.rows() - row);
        read(reader, row, rows);
        nonFinite += append(task, name, rows);
      }
    }
    return nonFinite;
  }

  /** Gives the number of NaN and infinities among the copied values. */
  private long copy(Copy task, MessageDigest digest) throws IOException {
    if (smoother.isPresent() && smoother.get().changes(task.module())) {
      return smoothNorm(task, digest);
    }
    LongAdder nonFinite = new LongAdder();
    TensorEntry entry = task.tensor().entry();
    long begin = System.nanoTime() - clock.nanos(Stage.WRITE);
    TensorCopy.copy(
        folder(task),
        task.tensor(),
        (buffer, offset, length) -> {
          digest.update(buffer, offset, length);
          nonFinite.add(NonFinite.count(entry.dtype(), buffer, offset, length));
          clock.time(Stage.WRITE, () -> writer.append(entry.name(), buffer, offset, length));
          progress.accept(length);
        });
    clock.add(Stage.READ, System.nanoTime() - clock.nanos(Stage.WRITE) - begin);
    return nonFinite.sum();
  }

  /** The weight of a norm, one number a row. */
  private long smoothNorm(Copy task, MessageDigest digest) throws IOException {
    TensorEntry entry = task.tensor().entry();
    byte[] norm = new byte[Math.toIntExact(entry.bytes())];
    try (ByteSource file = source.open(task.tensor().file())) {
      file.readFully(entry.begin(), norm, 0, norm.length);
    }
    digest.update(norm);
    int rows = Math.toIntExact(entry.elements());
    smoother.get().apply(task.module(), entry.dtype(), norm, 0, rows, 1);
    clock.time(Stage.WRITE, () -> writer.append(entry.name(), norm, 0, norm.length));
    progress.accept(norm.length);
    return NonFinite.count(entry.dtype(), norm, 0, norm.length);
  }

  private Folder folder(TensorTask task) throws IOException {
    return task instanceof Copy copy && copy.origin() == Copy.Origin.CALIBRATION
        ? storage.folder(settings.calibration().location())
        : source;
  }

  /** One buffer serves all slices; it grows to the largest. */
  private void require(WeightSource weight, int rows) {
    int bytes = Math.toIntExact(rows * weight.dtype().bytes(weight.columns()));
    if (slice.length < bytes) {
      slice = new byte[bytes];
    }
  }
}
