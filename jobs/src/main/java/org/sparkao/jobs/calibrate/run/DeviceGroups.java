package org.sparkao.jobs.calibrate.run;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.sparkao.gpu.OutOfDeviceMemoryException;
import org.sparkao.gpu.layer.HeadShape;
import org.sparkao.gpu.model.Arithmetic;
import org.sparkao.gpu.model.BlockInputs;
import org.sparkao.gpu.model.BlockRunner;
import org.sparkao.gpu.model.HiddenStates;
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
  static final String VERSION = "statistics of the GPU 1";

  private final CalibrateOptions options;
  private final Optional<HeadShape> heads;
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
    this.heads =
        options.cache() == CalibrateOptions.Cache.OBSERVED ? Optional.of(heads) : Optional.empty();
    this.scratch = new ObserveScratch(kernels, arithmetic, blocks, options.sequenceLength());
  }

  /** Sequences of a group. */
  @FunctionalInterface
  interface Group {
    /** Those of group {@code index}. */
    List<HiddenStates> states(int index);
  }

  /**
   * Takes the groups of a task through a block.
   *
   * @throws QuantException when the sums do not fit on the device, or are no numbers
   */
  PairwiseSum<BlockSums> observed(
      BlockInputs inputs, BlockRunner.Block block, GroupTask task, Group groups) {
    PairwiseSum<DeviceBlockObserver> sums =
        new PairwiseSum<>(options.groups(), DeviceBlockObserver::merge);
    List<DeviceBlockObserver> opened = new ArrayList<>();
    try {
      for (int group = task.firstGroup(); group < task.endGroup(); group++) {
        DeviceBlockObserver observer =
            new DeviceBlockObserver(scratch, inputs, options.products(), heads);
        opened.add(observer);
        groups.states(group).forEach(states -> block.run(states, observer));
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
              + "; leave out --hessian, give the GPU to fewer others, or use --device cpu",
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
