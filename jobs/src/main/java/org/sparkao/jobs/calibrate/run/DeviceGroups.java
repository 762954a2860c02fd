package org.sparkao.jobs.calibrate.run;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.sparkao.gpu.OutOfDeviceMemoryException;
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
 * sums of a task. For one thread.
 */
final class DeviceGroups implements AutoCloseable {
  /** Stands in the numerics of a calibration: changes whenever the same inputs give other bits. */
  private static final String VERSION = "statistics of the GPU 1";

  private final CalibrateOptions options;
  private final HeadShape heads;
  private final ObserveScratch scratch;

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
    this.scratch = new ObserveScratch(kernels, arithmetic, blocks, options.sequenceLength());
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

  /** Bytes of the device that the sums of some groups take at most, with those being read. */
  static long bytes(List<BlockInputs> blocks, CalibrateOptions options, int groups) {
    int waiting = 2 * (Integer.SIZE - Integer.numberOfLeadingZeros(groups));
    long largest =
        blocks.stream()
            .mapToLong(block -> DeviceBlockObserver.bytes(block, options.products()))
            .max()
            .orElseThrow();
    return (waiting + 1) * largest;
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
      PairwiseSum<BlockSums> onHost = new PairwiseSum<>(options.groups(), BlockSums::merge);
      for (Map.Entry<Node, DeviceBlockObserver> one : sums.nodes().entrySet()) {
        BlockSums read = one.getValue().sums();
        read.inputs().forEach(GroupObserver::requireFinite);
        onHost.add(one.getKey(), read);
        one.getValue().close();
      }
      return onHost;
    } catch (OutOfDeviceMemoryException e) {
      throw new QuantException(
          inputs.block()
              + ": statistics of its inputs do not fit on the GPU: "
              + e.getMessage()
              + "; give the GPU to fewer others, use --device cpu"
              + options.less().map(way -> ", or " + way).orElse(""),
          e);
    } finally {
      opened.forEach(DeviceBlockObserver::close);
    }
  }

  @Override
  public void close() {
    scratch.close();
  }
}
