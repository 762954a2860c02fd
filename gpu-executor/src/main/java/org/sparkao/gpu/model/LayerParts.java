package org.sparkao.gpu.model;

import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.model.ModelOperators.HeadNorms;
import org.sparkao.gpu.model.ProjectionSpec.After;
import org.sparkao.gpu.model.ProjectionSpec.Norm;

/** Puts the parts of a decoder layer on a device; whoever asks closes them. */
record LayerParts(ModelOperators operators, ModelConfig config, LayerWeights weights) {
  /** q, k and v, with the norm before them. */
  Projection qkv() {
    return project("qkv", Optional.of(weights.inputNorm()), After.NOTHING, weights.qkv());
  }

  /**
   * Norms of the heads of q and k, where there are any.
   *
   * @param keep told what is to be closed
   */
  Optional<HeadNorms> headNorms(Consumer<AutoCloseable> keep) {
    return weights
        .headNorms()
        .map(
            norms ->
                new HeadNorms(
                    vector(norms.query(), keep), vector(norms.key(), keep), config.normEpsilon()));
  }

  private Buffer vector(StoredTensor tensor, Consumer<AutoCloseable> keep) {
    Buffer vector = TensorValues.load(operators.device(), tensor, operators.arithmetic());
    keep.accept(vector);
    return vector;
  }

  /** The projection back. */
  Projection output() {
    return project("output", Optional.empty(), After.RESIDUAL, List.of(weights.output()));
  }

  /** Gate and up, or the whole mixture, with the norm before it. */
  Projection feedForward() {
    Optional<StoredTensor> norm = Optional.of(weights.feedForwardNorm());
    if (weights.feedForward() instanceof LayerWeights.Dense dense) {
      return project("gate and up", norm, After.SWIGLU, List.of(dense.gate(), dense.up()));
    }
    LayerWeights.Routed routed = (LayerWeights.Routed) weights.feedForward();
    ModelConfig.Experts experts = config.experts().orElseThrow();
    return operators.mixture(
        new Mixture(
            spec("experts", norm, After.RESIDUAL),
            routed.router(),
            routed.experts(),
            experts.perToken(),
            experts.weighting()));
  }

  /** Down; a mixture has none of its own. */
  Optional<Projection> down() {
    return weights.feedForward() instanceof LayerWeights.Dense dense
        ? Optional.of(project("down", Optional.empty(), After.RESIDUAL, List.of(dense.down())))
        : Optional.empty();
  }

  private Projection project(
      String name, Optional<StoredTensor> norm, After after, List<LinearWeight> linears) {
    return operators.project(spec(name, norm, after), linears);
  }

  private ProjectionSpec spec(String name, Optional<StoredTensor> norm, After after) {
    return new ProjectionSpec(
        weights.name() + " " + name,
        norm.map(weight -> new Norm(weight, config.normEpsilon())),
        after);
  }
}
