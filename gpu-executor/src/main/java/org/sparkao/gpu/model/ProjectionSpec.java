package org.sparkao.gpu.model;

import java.util.Objects;
import java.util.Optional;

/**
 * What surrounds a linear layer, so that a device may do all of it in few passes.
 *
 * @param name for messages and records, such as {@code model.layers.0 qkv}
 * @param norm RMSNorm of x before the product
 * @param after what happens to the product
 */
public record ProjectionSpec(String name, Optional<Norm> norm, After after) {
  /** All parts are given. */
  public ProjectionSpec {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(norm, "norm");
    Objects.requireNonNull(after, "after");
  }

  /** What happens to the product. */
  public enum After {
    /** It is the result: y [rows, N]. */
    NOTHING,
    /** It is added to y [rows, N], the residual stream. */
    RESIDUAL,
    /** The weights are gate and up, [N, K] each: y [rows, N] = silu(gate) * up. */
    SWIGLU,
    /** It is the result, in fp32 whatever the arithmetic: y [rows, N]. */
    LOGITS
  }

  /**
   * RMSNorm (Zhang and Sennrich 2019) as transformers computes it.
   *
   * @param weight [K]
   * @param epsilon added to the mean of squares
   */
  public record Norm(StoredTensor weight, float epsilon) {}
}
