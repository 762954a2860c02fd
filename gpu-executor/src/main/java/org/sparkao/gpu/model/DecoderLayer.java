package org.sparkao.gpu.model;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import org.sparkao.gpu.layer.KvCache;
import org.sparkao.gpu.model.LayerObserver.Part;
import org.sparkao.gpu.model.ModelOperators.HeadNorms;
import org.sparkao.gpu.model.ModelOperators.HeadSteps;

/** A decoder layer on a device: attention, then feed-forward, each added to the residual stream. */
final class DecoderLayer implements AutoCloseable {
  private final ModelOperators operators;
  private final Deque<AutoCloseable> loaded = new ArrayDeque<>();
  private final Projection qkv;
  private final Optional<HeadNorms> headNorms;
  private final Projection output;
  private final List<Projection> feedForward = new ArrayList<>();

  private DecoderLayer(LayerParts parts) {
    this.operators = parts.operators();
    try {
      this.qkv = keep(parts.qkv());
      this.headNorms = parts.headNorms(loaded::push);
      this.output = keep(parts.output());
      feedForward.add(keep(parts.feedForward()));
      parts.down().ifPresent(down -> feedForward.add(keep(down)));
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  /** Puts the weights on the device; {@link #close} gives the memory back. */
  static DecoderLayer load(ModelOperators operators, ModelConfig config, LayerWeights weights) {
    return new DecoderLayer(new LayerParts(operators, config, weights));
  }

  private <T extends AutoCloseable> T keep(T one) {
    loaded.push(one);
    return one;
  }

  /** Changes the residual stream of a pass in place. */
  void run(Pass pass, PassMemory memory, Optional<KvCache> cache) {
    run(pass, memory, cache, LayerObserver.NONE);
  }

  /** The same to the bit, and shows what the parts read. */
  void run(Pass pass, PassMemory memory, Optional<KvCache> cache, LayerObserver observer) {
    int rows = pass.places().rows();
    observer.before(Part.QKV, memory.hidden(), rows);
    qkv.run(pass.operation(), rows, memory.hidden(), memory.qkv());
    operators.prepareHeads(
        memory.qkv(),
        memory.heads(),
        pass.places(),
        new HeadSteps(headNorms, pass.rotation(), cache));
    observer.before(Part.HEADS, memory.qkv(), rows);
    pass.attend(operators, memory, cache);
    observer.before(Part.OUTPUT, memory.attended(), rows);
    output.run(pass.operation(), rows, memory.attended(), memory.hidden());
    observer.before(Part.FEED_FORWARD, memory.hidden(), rows);
    Projection first = feedForward.get(0);
    if (first instanceof ObservedMixture mixture) {
      mixture.run(rows, memory.hidden(), memory.hidden(), observer.experts());
    } else if (feedForward.size() == 1) {
      if (observer.experts() != ExpertObserver.NONE) {
        throw new IllegalStateException(operators.version() + " do not show what experts read");
      }
      first.run(pass.operation(), rows, memory.hidden(), memory.hidden());
    } else {
      first.run(pass.operation(), rows, memory.hidden(), memory.inner());
      observer.before(Part.DOWN, memory.inner(), rows);
      feedForward.get(1).run(pass.operation(), rows, memory.inner(), memory.hidden());
    }
  }

  /** How its projections are computed. */
  List<String> numerics() {
    List<String> all = new ArrayList<>(List.of(qkv.numerics(), output.numerics()));
    feedForward.forEach(projection -> all.add(projection.numerics()));
    return all;
  }

  @Override
  public void close() {
    Closing.all(loaded);
  }
}
