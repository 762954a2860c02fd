package org.sparkao.gpu.model;

import java.util.List;
import java.util.Objects;

/**
 * The feed-forward half of a layer as a mixture of experts: the router's softmax in fp32, the best
 * {@code perToken} experts of a token (ties: the lower index), their weights normalized or not, and
 * the weighted sum of the experts' SwiGLU feed-forwards, in the order of expert indices.
 *
 * @param spec its norm and {@link ProjectionSpec.After#RESIDUAL}
 * @param router [experts, hidden]
 * @param experts in order
 * @param perToken experts of a token
 * @param weighting what becomes of the weights of a token's experts
 */
public record Mixture(
    ProjectionSpec spec,
    LinearWeight router,
    List<Expert> experts,
    int perToken,
    Weighting weighting) {
  /** Checks the numbers. */
  public Mixture {
    Objects.requireNonNull(spec, "spec");
    Objects.requireNonNull(router, "router");
    Objects.requireNonNull(weighting, "weighting");
    experts = List.copyOf(experts);
    if (perToken < 1 || perToken > experts.size()) {
      throw new IllegalArgumentException(
          spec.name() + ": " + perToken + " of " + experts.size() + " experts");
    }
  }

  /** What becomes of the router's probabilities of the chosen experts. */
  public enum Weighting {
    /** They are divided by their sum (Mixtral; Qwen3 with norm_topk_prob). */
    NORMALIZED,
    /** They stay. */
    AS_ROUTED
  }

  /** The three matrices of an expert. */
  public record Expert(LinearWeight gate, LinearWeight up, LinearWeight down) {}
}
