package org.sparkao.jobs.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.sparkao.gpu.model.LinearWeight;
import org.sparkao.gpu.model.ModelOperators;
import org.sparkao.gpu.model.Projection;
import org.sparkao.gpu.model.ProjectionSpec;
import org.sparkao.gpu.model.ProjectionSpec.After;
import org.sparkao.quant.scheme.QuantScheme;

/** A model with random weights on a GPU, every layer with memory of its own. Closing frees it. */
final class RandomModel implements AutoCloseable {
  private final List<Layer> layers = new ArrayList<>();
  private final ModelOperators.EmbeddingTable embedding;
  private final Projection head;

  /** The four projections of a layer. */
  record Layer(Projection qkv, Projection output, Projection gateUp, Projection down)
      implements AutoCloseable {
    @Override
    public void close() {
      Stream.of(qkv, output, gateUp, down).forEach(Projection::close);
    }
  }

  RandomModel(ModelOperators operators, Optional<QuantScheme> scheme) {
    RandomWeights weights = new RandomWeights();
    int hidden = ModelTrial.SIZES.hidden();
    int vocabulary = ModelTrial.SIZES.vocabulary();
    // The largest tables first: while they are made, they take their memory twice.
    try {
      embedding = operators.embedding(weights.bf16("embedding", vocabulary, hidden));
      head =
          operators.project(
              new ProjectionSpec("head", Optional.of(weights.norm(hidden)), After.LOGITS),
              List.of(weights.linear("head", vocabulary, hidden, Optional.empty())));
      for (int i = 0; i < ModelTrial.SIZES.layers(); i++) {
        layers.add(new Loader(operators, weights, scheme, "layer " + i).layer());
      }
    } catch (RuntimeException e) {
      layers.forEach(Layer::close);
      throw e;
    }
  }

  /** Loads a layer. */
  private record Loader(
      ModelOperators operators, RandomWeights weights, Optional<QuantScheme> scheme, String name) {
    Layer layer() {
      int hidden = ModelTrial.SIZES.hidden();
      int intermediate = ModelTrial.SIZES.intermediate();
      int queries = ModelTrial.HEADS.queryElements();
      int keys = ModelTrial.HEADS.keyHeads() * ModelTrial.HEADS.dimension();
      Optional<ProjectionSpec.Norm> norm = Optional.of(weights.norm(hidden));
      return new Layer(
          project("qkv", norm, After.NOTHING, hidden, queries, keys, keys),
          project("output", Optional.empty(), After.RESIDUAL, queries, hidden),
          project("gate and up", norm, After.SWIGLU, hidden, intermediate, intermediate),
          project("down", Optional.empty(), After.RESIDUAL, intermediate, hidden));
    }

    private Projection project(
        String what, Optional<ProjectionSpec.Norm> norm, After after, int k, int... n) {
      List<LinearWeight> all = new ArrayList<>();
      for (int rows : n) {
        all.add(weights.linear(what, rows, k, scheme));
      }
      return operators.project(new ProjectionSpec(name + " " + what, norm, after), all);
    }
  }

  List<Layer> layers() {
    return layers;
  }

  ModelOperators.EmbeddingTable embedding() {
    return embedding;
  }

  Projection head() {
    return head;
  }

  /** How it computes. */
  String numerics() {
    return Stream.of(layers.get(0).qkv(), head)
        .map(Projection::numerics)
        .distinct()
        .collect(Collectors.joining("; head "));
  }

  /** Memory of all weights. */
  long bytes() {
    return layers.stream()
            .mapToLong(
                layer ->
                    layer.qkv.bytes()
                        + layer.output.bytes()
                        + layer.gateUp.bytes()
                        + layer.down.bytes())
            .sum()
        + embedding.bytes()
        + head.bytes();
  }

  @Override
  public void close() {
    layers.forEach(Layer::close);
    embedding.close();
    head.close();
  }
}
