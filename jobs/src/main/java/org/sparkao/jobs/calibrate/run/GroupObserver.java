package org.sparkao.jobs.calibrate.run;

import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.sparkao.gpu.layer.HeadShape;
import org.sparkao.gpu.model.BlockInputs;
import org.sparkao.gpu.model.BlockInputs.Input;
import org.sparkao.gpu.model.BlockObserver;
import org.sparkao.gpu.model.ExpertObserver.Shown;
import org.sparkao.jobs.calibrate.plan.CalibrateOptions;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.observe.BlockSums;
import org.sparkao.quant.observe.CacheSums;
import org.sparkao.quant.observe.InputObserver;
import org.sparkao.quant.observe.InputObserver.Source;
import org.sparkao.quant.observe.InputSums;
import org.sparkao.quant.observe.Workers;

/** Sees one block with the sequences of one group. */
final class GroupObserver implements BlockObserver {
  private final BlockInputs block;
  private final HeadShape heads;
  private final Optional<CacheSums> cache;
  private final Map<String, InputObserver> observers = new LinkedHashMap<>();

  /** Experts that are being shown all tokens; empty while the router decides. */
  private Set<Integer> shown = Set.of();

  GroupObserver(BlockInputs block, HeadShape heads, CalibrateOptions options) {
    this.block = block;
    this.heads = heads;
    this.cache =
        options.cache() == CalibrateOptions.Cache.OBSERVED
            ? Optional.of(new CacheSums(new float[heads.keyHeads()], new float[heads.keyHeads()]))
            : Optional.empty();
    for (Input input : block.inputs()) {
      observers.put(input.name(), new InputObserver(input.columns(), options.products()));
    }
  }

  @Override
  public void input(String input, float[] x, int rows) {
    observers
        .get(input)
        .add(x, rows, shown.isEmpty() ? Source.ROUTED : Source.SHOWN, Workers.ALL_CORES);
  }

  @Override
  public Shown shown(int expert) {
    if (shown.isEmpty()) {
      return Shown.ROUTED;
    }
    return shown.contains(expert) ? Shown.ALL : Shown.NOTHING;
  }

  @Override
  public boolean wantsInputs() {
    return shown.isEmpty();
  }

  @Override
  public boolean wantsHeads() {
    return cache.isPresent() && shown.isEmpty();
  }

  @Override
  public void heads(float[] values, int rows) {
    CacheSums sums = cache.orElseThrow();
    int dimension = heads.dimension();
    for (int row = 0; row < rows; row++) {
      int keys = row * heads.rowElements() + heads.queryElements();
      for (int head = 0; head < heads.keyHeads(); head++) {
        int key = keys + head * dimension;
        int value = key + heads.keyHeads() * dimension;
        sums.key()[head] = Math.max(sums.key()[head], amax(values, key, dimension));
        sums.value()[head] = Math.max(sums.value()[head], amax(values, value, dimension));
      }
    }
  }

  private static float amax(float[] values, int first, int count) {
    float amax = 0;
    for (int i = first; i < first + count; i++) {
      amax = Math.max(amax, Math.abs(values[i]));
    }
    return amax;
  }

  /**
   * Forgets what experts saw that the router sent fewer tokens, and shows them all tokens from now
   * on.
   *
   * @return whether there are any
   */
  boolean showToExpertsBelow(long tokens) {
    Set<Integer> few = new HashSet<>();
    for (Input input : block.inputs()) {
      if (input.expert().isPresent() && observers.get(input.name()).routed() < tokens) {
        few.add(input.expert().getAsInt());
        observers.compute(input.name(), (name, observer) -> observer.again());
      }
    }
    shown = few;
    return !few.isEmpty();
  }

  /**
   * What was seen; the observer must not be used after.
   *
   * @throws QuantException for inputs that are no numbers
   */
  BlockSums sums() {
    Map<String, InputSums> inputs = new LinkedHashMap<>();
    observers.forEach((name, observer) -> inputs.put(name, observer.sums()));
    inputs.forEach(GroupObserver::requireFinite);
    return new BlockSums(inputs, cache);
  }

  /** Refuses sums of what is no number. */
  static void requireFinite(String input, InputSums sums) {
    for (int i = 0; i < sums.columns(); i++) {
      if (!Double.isFinite(sums.square()[i])) {
        throw new QuantException(
            input
                + ": channel "
                + i
                + " of its input is NaN or too large for fp32; the checkpoint is damaged, or needs"
                + " another --arithmetic");
      }
    }
  }
}
