package org.sparkao.jobs.calibrate.run;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;
import org.apache.spark.TaskContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparkao.gpu.OutOfDeviceMemoryException;
import org.sparkao.gpu.model.BlockInputs;
import org.sparkao.gpu.model.BlockRunner;
import org.sparkao.gpu.model.BlockRunner.Block;
import org.sparkao.gpu.model.DeviceObserver;
import org.sparkao.gpu.model.HiddenStates;
import org.sparkao.gpu.model.ResidentStates;
import org.sparkao.jobs.calibrate.plan.CalibrateOptions;
import org.sparkao.jobs.calibrate.plan.CalibrationMemory;
import org.sparkao.jobs.job.Texts;
import org.sparkao.quant.observe.BlockSums;
import org.sparkao.quant.observe.PairwiseSum;
import org.sparkao.quant.observe.PairwiseSum.Node;

/**
 * One task's way through the model. Where a GPU computes, hidden states stay on it when they fit,
 * and what was seen of a block is read and written while it runs the next ones; the bits are the
 * same.
 */
final class GroupPass {
  private static final Logger LOG = LoggerFactory.getLogger(GroupPass.class);

  /** Of free memory of the device, that hidden states and statistics may take. */
  private static final double SHARE = 0.9;

  private final GroupTask task;
  private final CalibrateOptions options;
  private final BlockFiles files;
  private final BlockRunner runner;
  private final Optional<DeviceGroups> onDevice;

  GroupPass(
      GroupTask task,
      CalibrateOptions options,
      BlockFiles files,
      BlockRunner runner,
      Optional<DeviceGroups> onDevice) {
    this.task = task;
    this.options = options;
    this.files = files;
    this.runner = runner;
    this.onDevice = onDevice;
  }

  /** How the task's sequences go through a block. */
  private interface Sequences {
    /** All of them, unseen. */
    void run(Block block);

    /** The same; sees them. The caller closes what was seen. */
    Sums observed(BlockInputs inputs, Block block);
  }

  /** What was seen of a block. */
  private interface Sums extends AutoCloseable {
    /** Of groups together, on the heap. */
    Map<Node, BlockSums> read();

    @Override
    void close();
  }

  void run(List<BlockInputs> blocks, TaskContext context) throws IOException {
    int end = blocks.size();
    while (end > 0 && files.finished(blocks.get(end - 1).block()).isPresent()) {
      end--;
    }
    if (end == 0) {
      return;
    }
    List<BlockInputs> wanted = blocks.subList(0, end);
    if (onDevice.isEmpty()) {
      try (Beside nobody = Beside.nobody()) {
        run(wanted, context, new Seen(runner.embed(task.sequences())), nobody);
      }
      return;
    }
    DeviceGroups groups = onDevice.orElseThrow();
    Optional<ResidentStates> resident = resident(blocks);
    if (resident.isPresent()) {
      try (ResidentStates states = resident.orElseThrow();
          Beside beside = Beside.caller(CalibrationMemory.LEFT_BESIDE)) {
        run(
            wanted,
            context,
            new Shown<>(groups, states.sequences(), Block::run, Block::run, false),
            beside);
      }
    } else {
      List<HiddenStates> states = runner.embed(task.sequences());
      try (Beside beside = Beside.caller(CalibrationMemory.LEFT_BESIDE - 1)) {
        run(wanted, context, new Shown<>(groups, states, Block::run, Block::run, true), beside);
      }
    }
  }

  /** Hidden states on the device; empty where they do not fit. */
  private Optional<ResidentStates> resident(List<BlockInputs> blocks) {
    long bytes =
        runner.residentBytes(task.sequences())
            + DeviceGroups.bytes(blocks, options, task, CalibrationMemory.LEFT_BESIDE);
    long free = runner.freeBytes();
    try {
      if (bytes <= (long) (SHARE * free)) {
        return Optional.of(runner.resident(task.sequences()));
      }
    } catch (OutOfDeviceMemoryException e) {
      LOG.info("No memory on the device for hidden states: {}", e.getMessage());
    }
    LOG.info(
        "Hidden states wait on the heap between blocks: {} with them on the device, {} free",
        Texts.bytes(bytes),
        Texts.bytes(free));
    return Optional.empty();
  }

  private void run(
      List<BlockInputs> blocks, TaskContext context, Sequences sequences, Beside beside)
      throws IOException {
    try (Neighbours.Place place = Neighbours.join(files.location())) {
      runner.blocks(
          blocks.size(),
          (index, block) -> {
            context.killTaskIfInterrupted();
            try {
              block(blocks.get(index), block, sequences, new Host(place, beside));
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          });
      beside.await();
    }
  }

  /** What the host does with sums, and with whom. */
  private record Host(Neighbours.Place place, Beside beside) {}

  private void block(BlockInputs inputs, Block block, Sequences sequences, Host host)
      throws IOException {
    String name = inputs.block();
    if (files.finished(name).isPresent()) {
      host.place.pass(name);
      sequences.run(block);
      return;
    }
    Neighbours.Leaving leaving = all -> files.leave(name, all, block::columnAmax);
    if (files.covers(name, task.firstGroup(), task.endGroup())) {
      sequences.run(block);
      host.beside.run(() -> host.place.bring(name, Map.of(), leaving));
      return;
    }
    Sums sums = sequences.observed(inputs, block);
    try {
      host.beside.run(
          () -> {
            try (sums) {
              host.place.bring(name, sums.read(), leaving);
            }
          });
    } catch (IOException | RuntimeException e) {
      sums.close();
      throw e;
    }
  }

  /** Of the states of the task, those of a group. */
  private <S> List<S> own(List<S> states, int group) {
    int first = options.firstSequence(task.firstGroup());
    return states.subList(
        options.firstSequence(group) - first, options.firstSequence(group + 1) - first);
  }

  /** What a block shows to an observer of its device. */
  @FunctionalInterface
  private interface Sight<S> {
    void of(Block block, S states, DeviceObserver observer);
  }

  /** Seen where they are computed, on a GPU. */
  private final class Shown<S> implements Sequences {
    private final DeviceGroups groups;
    private final List<S> states;
    private final BiConsumer<Block, S> pass;
    private final Sight<S> sight;
    private final boolean atOnce;

    /** {@code atOnce}: sums are read before the next block. */
    Shown(
        DeviceGroups groups,
        List<S> states,
        BiConsumer<Block, S> pass,
        Sight<S> sight,
        boolean atOnce) {
      this.atOnce = atOnce;
      this.groups = groups;
      this.states = states;
      this.pass = pass;
      this.sight = sight;
    }

    @Override
    public void run(Block block) {
      states.forEach(one -> pass.accept(block, one));
    }

    @Override
    public Sums observed(BlockInputs inputs, Block block) {
      DeviceGroups.Unread unread =
          groups.unread(
              inputs,
              options.cache(),
              task,
              group -> own(states, group),
              (one, observer) -> sight.of(block, one, observer));
      if (!atOnce) {
        return new OnDevice(unread);
      }
      try (unread) {
        return new OnHeap(unread.read().nodes());
      }
    }
  }

  private record OnDevice(DeviceGroups.Unread unread) implements Sums {
    @Override
    public Map<Node, BlockSums> read() {
      return unread.read().nodes();
    }

    @Override
    public void close() {
      unread.close();
    }
  }

  private record OnHeap(Map<Node, BlockSums> read) implements Sums {
    @Override
    public void close() {
      // The heap frees it.
    }
  }

  /** Seen by the host. */
  private final class Seen implements Sequences {
    private final List<HiddenStates> states;

    Seen(List<HiddenStates> states) {
      this.states = states;
    }

    @Override
    public void run(Block block) {
      states.forEach(block::run);
    }

    @Override
    public Sums observed(BlockInputs inputs, Block block) {
      PairwiseSum<BlockSums> sums = new PairwiseSum<>(options.groups(), BlockSums::merge);
      for (int group = task.firstGroup(); group < task.endGroup(); group++) {
        sums.add(
            new Node(0, group),
            observed(inputs, block, own(states, group), options.leastTokens(group)));
      }
      return new OnHeap(sums.nodes());
    }

    private BlockSums observed(
        BlockInputs inputs, Block block, List<HiddenStates> group, long least) {
      GroupObserver observer = new GroupObserver(inputs, runner.config().heads(), options);
      List<HiddenStates> before = new ArrayList<>();
      for (HiddenStates one : group) {
        if (inputs.experts() > 0) {
          before.add(one.copy());
        }
        block.run(one, observer);
      }
      if (observer.showToExpertsBelow(least)) {
        before.forEach(one -> block.run(one, observer));
      }
      return observer.sums();
    }
  }
}
