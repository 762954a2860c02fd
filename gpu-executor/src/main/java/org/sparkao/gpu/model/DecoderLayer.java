package org.sparkao.gpu.model;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.layer.KvCache;
import org.sparkao.gpu.model.LayerObserver.Part;
import org.sparkao.gpu.model.ModelOperators.HeadNorms;
import org.sparkao.gpu.model.ModelOperators.HeadSteps;
import org.sparkao.gpu.model.ProjectionSpec.After;
import org.sparkao.gpu.model.ProjectionSpec.Norm;

/** A decoder layer on a device: attention, then feed-forward, each added to the residual stream. */
final class DecoderLayer implements AutoCloseable {
  private final ModelOperators operators;
  private final Deque<AutoCloseable> loaded = new ArrayDeque<>();
  private final Projection qkv;
  private final Optional<HeadNorms> headNorms;
  private final Projection output;
  private final List<Projection> feedForward = new ArrayList<>();

  private DecoderLayer(ModelOperators operators, ModelConfig config, LayerWeights weights) {
    this.operators = operators;
    Norm first = new Norm(weights.inputNorm(), config.normEpsilon());
    Norm second = new Norm(weights.feedForwardNorm(), config.normEpsilon());
    try {
      this.qkv = project(weights.name() + " qkv", Optional.of(first), After.NOTHING, weights.qkv());
      this.headNorms =
          weights
              .headNorms()
              .map(
                  norms ->
                      new HeadNorms(
                          vector(norms.query()), vector(norms.key()), config.normEpsilon()));
      this.output =
          project(
              weights.name() + " output",
              Optional.empty(),
              After.RESIDUAL,
              List.of(weights.output()));
      loadFeedForward(config, weights, second);
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  /** Puts the weights on the device; {@link #close} gives the memory back. */
  static DecoderLayer load(ModelOperators operators, ModelConfig config, LayerWeights weights) {
    return new DecoderLayer(operators, config, weights);
  }

  private void loadFeedForward(ModelConfig config, LayerWeights weights, Norm norm) {
    String name = weights.name();
    if (weights.feedForward() instanceof LayerWeights.Dense dense) {
      List<LinearWeight> inner = List.of(dense.gate(), dense.up());
      feedForward.add(project(name + " gate and up", Optional.of(norm), After.SWIGLU, inner));
      feedForward.add(
          project(name + " down", Optional.empty(), After.RESIDUAL, List.of(dense.down())));
    } else if (weights.feedForward() instanceof LayerWeights.Routed routed) {
      ModelConfig.Experts experts = config.experts().orElseThrow();
      feedForward.add(
          keep(
              operators.mixture(
                  new Mixture(
                      new ProjectionSpec(name + " experts", Optional.of(norm), After.RESIDUAL),
                      routed.router(),
                      routed.experts(),
                      experts.perToken(),
                      experts.weighting()))));
    }
  }

  private Projection project(
      String name, Optional<Norm> norm, After after, List<LinearWeight> weights) {
    return keep(operators.project(new ProjectionSpec(name, norm, after), weights));
  }

  private Buffer vector(StoredTensor tensor) {
    return keep(TensorValues.load(operators.device(), tensor, operators.arithmetic()));
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
