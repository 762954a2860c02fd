package org.sparkao.gpu.train;

import java.util.Objects;
import java.util.Optional;
import org.sparkao.gpu.layer.HeadShape;
import org.sparkao.gpu.model.ModelOperators.RotaryTable;

/**
 * What happens to the heads of q and k between projection and attention.
 *
 * @param shape of a row of q, k and v
 * @param rotation angles by position, in the half-split order of transformers
 * @param norms RMSNorm of every q and k head before rotation (Qwen3)
 */
public record Heads(HeadShape shape, RotaryTable rotation, Optional<HeadNorms> norms) {
  /** All parts are given. */
  public Heads {
    Objects.requireNonNull(shape, "shape");
    Objects.requireNonNull(rotation, "rotation");
    Objects.requireNonNull(norms, "norms");
  }

  /** Weights [1, dimension]. */
  public record HeadNorms(NormWeight query, NormWeight key) {}
}
