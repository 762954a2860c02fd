package org.sparkao.gpu.model;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The weights of a decoder layer, as the checkpoint stores them.
 *
 * @param name such as {@code model.layers.0}
 * @param inputNorm [hidden]
 * @param qkv q, k and v
 * @param headNorms of q and k heads
 * @param output the projection back
 * @param feedForwardNorm [hidden]
 * @param feedForward the other half
 */
public record LayerWeights(
    String name,
    StoredTensor inputNorm,
    List<LinearWeight> qkv,
    Optional<HeadNormWeights> headNorms,
    LinearWeight output,
    StoredTensor feedForwardNorm,
    FeedForward feedForward) {
  /** All parts are given. */
  public LayerWeights {
    Objects.requireNonNull(inputNorm, "inputNorm");
    qkv = List.copyOf(qkv);
    Objects.requireNonNull(feedForward, "feedForward");
  }

  /** [dimension] each. */
  public record HeadNormWeights(StoredTensor query, StoredTensor key) {}

  /** What follows attention. */
  public sealed interface FeedForward {
    /** All its linear layers. */
    Stream<LinearWeight> linears();

    /** The same with other numbers, by the names of linear layers. */
    FeedForward with(Map<String, StoredTensor> values);
  }

  /** down(silu(gate x) * up x). */
  public record Dense(LinearWeight gate, LinearWeight up, LinearWeight down)
      implements FeedForward {
    @Override
    public Stream<LinearWeight> linears() {
      return Stream.of(gate, up, down);
    }

    @Override
    public Dense with(Map<String, StoredTensor> values) {
      return new Dense(gate.with(values), up.with(values), down.with(values));
    }
  }

  /** Of which a router chooses some for each token. */
  public record Routed(LinearWeight router, List<Mixture.Expert> experts) implements FeedForward {
    /** Freezes the list. */
    public Routed {
      experts = List.copyOf(experts);
    }

    @Override
    public Stream<LinearWeight> linears() {
      return Stream.concat(
          Stream.of(router), experts.stream().flatMap(e -> Stream.of(e.gate(), e.up(), e.down())));
    }

    @Override
    public Routed with(Map<String, StoredTensor> values) {
      return new Routed(
          router.with(values),
          experts.stream()
              .map(
                  e ->
                      new Mixture.Expert(
                          e.gate().with(values), e.up().with(values), e.down().with(values)))
              .toList());
    }
  }

  /** All linear layers. */
  public Stream<LinearWeight> linears() {
    return Stream.concat(Stream.concat(qkv.stream(), Stream.of(output)), feedForward.linears());
  }

  /**
   * The same layer with other numbers.
   *
   * @param values [N, K] by the name of the linear layer; others stay as they are
   */
  public LayerWeights with(Map<String, StoredTensor> values) {
    return new LayerWeights(
        name,
        inputNorm,
        qkv.stream().map(linear -> linear.with(values)).toList(),
        headNorms,
        output.with(values),
        feedForwardNorm,
        feedForward.with(values));
  }
}
