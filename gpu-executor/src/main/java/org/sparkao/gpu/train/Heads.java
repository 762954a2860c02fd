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

  /** Refuses sequences longer than there are angles. */
  public void check(TokenBatch batch) {
    if (batch.longest() > rotation.positions()) {
      throw new IllegalArgumentException(
          "a sequence of "
              + batch.longest()
              + " tokens, and angles of "
              + rotation.positions()
              + " positions");
    }
  }

  /** Weights [1, dimension]. */
  public record HeadNorms(NormWeight query, NormWeight key) {}
}
