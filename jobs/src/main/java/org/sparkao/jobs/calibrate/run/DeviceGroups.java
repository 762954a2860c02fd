package org.sparkao.jobs.calibrate.run;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.sparkao.gpu.OutOfDeviceMemoryException;
import org.sparkao.gpu.device.CudaDevice;
import org.sparkao.gpu.device.CudaStream;
import org.sparkao.gpu.layer.HeadShape;
import org.sparkao.gpu.model.Arithmetic;
import org.sparkao.gpu.model.BlockInputs;
import org.sparkao.gpu.model.DeviceObserver;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.gpu.observe.DeviceBlockObserver;
import org.sparkao.gpu.observe.ObserveScratch;
import org.sparkao.jobs.calibrate.plan.CalibrateOptions;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.observe.BlockSums;
import org.sparkao.quant.observe.PairwiseSum;
import org.sparkao.quant.observe.PairwiseSum.Node;

/**
 * Statistics of groups that are made and added up on the GPU that runs the model; the host gets the
 * sums of a task. For one thread, and any that reads.
 */
final class DeviceGroups implements AutoCloseable {
  /** Stands in the numerics of a calibration: changes whenever the same inputs give other bits. */
  private static final String VERSION = "statistics of the GPU 1";

  private final CalibrateOptions options;
  private final HeadShape heads;
  private final CudaDevice device;
  private final ObserveScratch scratch;

  /** Sums are read in it. */
  private final CudaStream reading;

  /**
   * Takes working memory.
   *
   * @param blocks of the model
   */
  DeviceGroups(
      KernelLibrary kernels,
      Arithmetic arithmetic,
      CalibrateOptions options,
      HeadShape heads,
      List<BlockInputs> blocks) {
    this.options = options;
    this.heads = heads;
    this.device = kernels.device();
    this.scratch = new ObserveScratch(kernels, arithmetic, blocks, options.sequenceLength());
    try {
      this.reading = device.newStream();
    } catch (RuntimeException e) {
      scratch.close();
      throw e;
    }
  }

  /** As it stands there. */
  static String version(CalibrateOptions options) {
    return options.sequential().asked() ? VERSION + ", part by part" : VERSION;
  }

  /**
   * Sequences of a group.
   *
   * @param <S> hidden states of one
   */
  @FunctionalInterface
  interface Group<S> {
    /** Those of group {@code index}. */
    List<S> states(int index);
  }

  /**
   * What is done with a sequence to see it.
   *
   * @param <S> its hidden states
   */
  @FunctionalInterface
  interface Sight<S> {
    /** Shows it. */
    void of(S states, DeviceObserver observer);
  }

  /**
   * Bytes of the device that the sums of a task take at most, with those that wait to be read.
   *
   * @param unread blocks whose sums may wait
   */
  static long bytes(
      List<BlockInputs> blocks, CalibrateOptions options, GroupTask task, int unread) {
    PairwiseSum<Integer> sums = new PairwiseSum<>(options.groups(), Integer::sum);
    int most = 0;
    for (int group = task.firstGroup(); group < task.endGroup(); group++) {
      most = Math.max(most, sums.nodes().size() + 1);
      sums.add(new Node(0, group), 1);
    }
    long largest =
        blocks.stream()
            .mapToLong(block -> DeviceBlockObserver.bytes(block, options.products()))
            .max()
            .orElseThrow();
    return (most + 1L + (long) unread * sums.nodes().size()) * largest;
  }

  /**
   * Sees the groups of a task.
   *
   * @param cache whether keys and values are looked at
   * @throws QuantException when the sums do not fit on the device, or are no numbers
   */
  <S> PairwiseSum<BlockSums> observed(
      BlockInputs inputs,
      CalibrateOptions.Cache cache,
      GroupTask task,
      Group<S> groups,
      Sight<S> sight) {
    try (Unread sums = unread(inputs, cache, task, groups, sight)) {
      return sums.read();
    }
  }

  /**
   * The same, where the sums stay on the device. The caller closes them.
   *
   * @throws QuantException when the sums do not fit on the device
   */
  <S> Unread unread(
      BlockInputs inputs,
      CalibrateOptions.Cache cache,
      GroupTask task,
      Group<S> groups,
      Sight<S> sight) {
    Optional<HeadShape> seen =
        cache == CalibrateOptions.Cache.OBSERVED ? Optional.of(heads) : Optional.empty();
    PairwiseSum<DeviceBlockObserver> sums =
        new PairwiseSum<>(options.groups(), DeviceBlockObserver::merge);
    List<DeviceBlockObserver> opened = new ArrayList<>();
    try {
      for (int group = task.firstGroup(); group < task.endGroup(); group++) {
        DeviceBlockObserver observer =
            new DeviceBlockObserver(scratch, inputs, options.products(), seen);
        opened.add(observer);
        groups.states(group).forEach(states -> sight.of(states, observer));
        sums.add(new Node(0, group), observer);
      }
      device.synchronize();
      return new Unread(inputs, sums.nodes());
    } catch (RuntimeException e) {
      opened.forEach(DeviceBlockObserver::close);
      throw e instanceof OutOfDeviceMemoryException full ? refused(inputs, full) : e;
    }
  }

  private QuantException refused(BlockInputs inputs, OutOfDeviceMemoryException e) {
    return new QuantException(
        inputs.block()
            + ": statistics of its inputs do not fit on the GPU: "
            + e.getMessage()
            + "; give the GPU to fewer others, use --device cpu"
            + options.less().map(way -> ", or " + way).orElse(""),
        e);
  }

  /** Sums of a task that lie on the device, and nothing of them is under way. */
  final class Unread implements AutoCloseable {
    private final BlockInputs inputs;
    private final Map<Node, DeviceBlockObserver> sums;

    private Unread(BlockInputs inputs, Map<Node, DeviceBlockObserver> sums) {
      this.inputs = inputs;
      this.sums = sums;
    }

    /**
     * Copies them to the host beside what else the device does, and frees them there. Any thread
     * may ask, once.
     *
     * @throws QuantException when they are no numbers, or the device has no memory to read them
     */
    PairwiseSum<BlockSums> read() {
      PairwiseSum<BlockSums> onHost = new PairwiseSum<>(options.groups(), BlockSums::merge);
      synchronized (reading) {
        try {
          device.on(reading, () -> sums.forEach((node, one) -> onHost.add(node, read(one))));
        } catch (OutOfDeviceMemoryException e) {
          throw refused(inputs, e);
        }
      }
      return onHost;
    }

    private static BlockSums read(DeviceBlockObserver one) {
      try (one) {
        BlockSums read = one.sums();
        read.inputs().forEach(GroupObserver::requireFinite);
        return read;
      }
    }

    /** Frees those that were not read. */
    @Override
    public void close() {
      sums.values().forEach(DeviceBlockObserver::close);
    }
  }

  @Override
  public void close() {
    reading.close();
    scratch.close();
  }
}
