package org.sparkao.jobs.calibrate.run;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.sparkao.gpu.layer.HeadShape;
import org.sparkao.gpu.model.BlockInputs;
import org.sparkao.gpu.model.BlockInputs.Input;
import org.sparkao.gpu.model.BlockRunner;
import org.sparkao.gpu.model.HiddenStates;
import org.sparkao.gpu.model.PartwiseBlock;
import org.sparkao.jobs.calibrate.plan.CalibrateOptions;
import org.sparkao.quant.observe.BlockSums;
import org.sparkao.quant.observe.CacheSums;
import org.sparkao.quant.observe.InputSums;
import org.sparkao.quant.observe.PairwiseSum;
import org.sparkao.quant.observe.PairwiseSum.Node;

/**
 * One task's way through a model that is quantized as it goes. A part of a block is observed with
 * the inputs that the quantized parts before it give, then its layers are quantized, then it runs
 * with what became of them: {@code true_sequential} of the authors of GPTQ. Tasks wait for each
 * other at every part, because its second moments are those of all groups; its inputs are dealt out
 * among them.
 */
final class SequentialPass {
  /** The part that reads what attention gives: when it is observed, heads are to be seen. */
  private static final int OUTPUT = 1;

  /** The part that may be a mixture, which runs to be observed. */
  private static final int FEED_FORWARD = 2;

  private final GroupTask task;
  private final CalibrateOptions options;
  private final BlockFiles files;
  private final PartWeights weights;
  private final Tools tools;
  private final BlockRunner runner;
  private final Waiting waiting;
  private final HeadShape heads;
  private List<HiddenStates> states = List.of();

  /**
   * What it works with, of the caller.
   *
   * @param onDevice where statistics are made, where that is a GPU
   */
  record Tools(InputQuantizer quantizer, Optional<DeviceGroups> onDevice) {}

  SequentialPass(
      GroupTask task,
      CalibrateOptions options,
      BlockFiles files,
      Tools tools,
      BlockRunner runner,
      Waiting waiting) {
    this.task = task;
    this.options = options;
    this.files = files;
    this.weights = new PartWeights(files, options.sequential());
    this.tools = tools;
    this.runner = runner;
    this.waiting = waiting;
    this.heads = runner.config().heads();
  }

  /** Name under which the sums of each part of a block are kept. */
  static List<String> parts(BlockInputs block) {
    return IntStream.range(0, block.parts().size())
        .mapToObj(part -> block.block() + ".part" + part)
        .toList();
  }

  void run(List<BlockInputs> blocks) throws IOException {
    if (files.finished(blocks.get(blocks.size() - 1).block()).isPresent()) {
      return;
    }
    states = runner.embed(task.sequences());
    for (int i = 0; i < blocks.size(); i++) {
      BlockInputs inputs = blocks.get(i);
      try (PartwiseBlock block = runner.partwise(i)) {
        if (files.finished(inputs.block()).isPresent()) {
          propagate(inputs, block);
          continue;
        }
        observe(inputs, block);
        if (i + 1 < blocks.size()) {
          run(block, inputs.parts().size() - 1);
        }
        if (i % task.count() == task.index()) {
          finish(inputs, block);
        }
      }
    }
  }

  /** A block that was quantized by an earlier attempt. */
  private void propagate(BlockInputs inputs, PartwiseBlock block) throws IOException {
    for (int part = 0; part < inputs.parts().size(); part++) {
      block.load(part, weights.read(inputs.parts().get(part)));
      run(block, part);
    }
  }

  private void run(PartwiseBlock block, int part) {
    waiting.killIfInterrupted();
    states.forEach(one -> block.run(part, one));
  }

  /** Leaves the last part loaded. */
  private void observe(BlockInputs inputs, PartwiseBlock block) throws IOException {
    for (int part = 0; part < inputs.parts().size(); part++) {
      String name = parts(inputs).get(part);
      BlockInputs own = new BlockInputs(name, inputs.parts().get(part));
      boolean experts = part == FEED_FORWARD && inputs.experts() > 0;
      boolean kept = files.covers(name, task.firstGroup(), task.endGroup());
      boolean beside = part > 0 && !kept && !experts;
      if (part > 0 && !beside) {
        run(block, part - 1);
      }
      Optional<BlockSums> total = Optional.empty();
      if (!kept) {
        if (experts) {
          block.load(part, Map.of());
        }
        PairwiseSum<BlockSums> sums = observed(own, block, part, beside);
        files.keep(name, sums.nodes());
        total = sums.total();
      }
      quantize(own, total);
      block.load(part, weights.read(own.inputs()));
    }
  }

  /**
   * Sees a part with all groups.
   *
   * @param beside whether the part before it, which is loaded, runs on the way
   */
  private PairwiseSum<BlockSums> observed(
      BlockInputs own, PartwiseBlock block, int part, boolean beside) {
    CalibrateOptions seen = part == OUTPUT ? options : options.with(CalibrateOptions.Cache.LEFT);
    if (tools.onDevice.isPresent()) {
      return tools
          .onDevice
          .get()
          .observed(
              own,
              seen.cache(),
              task,
              this::group,
              (sequence, observer) -> {
                waiting.killIfInterrupted();
                if (beside) {
                  block.run(part - 1, sequence, observer);
                }
                block.show(part, sequence, observer);
              });
    }
    PairwiseSum<BlockSums> sums = new PairwiseSum<>(options.groups(), BlockSums::merge);
    for (int group = task.firstGroup(); group < task.endGroup(); group++) {
      waiting.killIfInterrupted();
      GroupObserver observer = new GroupObserver(own, heads, seen);
      List<HiddenStates> sequences = group(group);
      for (HiddenStates sequence : sequences) {
        if (beside) {
          block.run(part - 1, sequence, observer);
        }
        block.show(part, sequence, observer);
      }
      if (observer.showToExpertsBelow(options.leastTokens(group))) {
        sequences.forEach(sequence -> block.show(part, sequence, observer));
      }
      sums.add(new Node(0, group), observer.sums());
    }
    return sums;
  }

  private List<HiddenStates> group(int group) {
    int first = options.firstSequence(task.firstGroup());
    return states.subList(
        options.firstSequence(group) - first, options.firstSequence(group + 1) - first);
  }

  /** Quantizes this task's share of the inputs of a part, and waits for the others. */
  private void quantize(BlockInputs own, Optional<BlockSums> total) throws IOException {
    List<Input> inputs = own.inputs();
    List<Input> share = new ArrayList<>();
    for (int i = task.index(); i < inputs.size(); i += task.count()) {
      if (!weights.has(inputs.get(i))) {
        share.add(inputs.get(i));
      }
    }
    if (!share.isEmpty()) {
      BlockSums all = total.isPresent() ? total.get() : sums(own.block());
      for (Input input : share) {
        InputSums sums = all.inputs().get(input.name());
        weights.keep(input, tools.quantizer.weights(input.modules(), sums));
      }
    }
    for (Input input : inputs) {
      waiting.until(() -> weights.has(input) ? Optional.of(input) : Optional.empty());
    }
  }

  private BlockSums sums(String part) throws IOException {
    return waiting.until(() -> files.kept(part));
  }

  /** Writes the block's file of what was seen of its parts. */
  private void finish(BlockInputs inputs, PartwiseBlock block) throws IOException {
    Map<String, InputSums> all = new LinkedHashMap<>();
    Optional<CacheSums> cache = Optional.empty();
    for (String part : parts(inputs)) {
      BlockSums sums = sums(part);
      all.putAll(sums.inputs());
      cache = cache.or(sums::cache);
    }
    files.finish(inputs.block(), new BlockSums(all, cache), block.columnAmax());
    for (String part : parts(inputs)) {
      files.forget(part);
    }
  }
}
