package org.sparkao.quant.prune;

import java.io.Serializable;
import java.util.Objects;

/**
 * What becomes zero, and how it is chosen.
 *
 * @param pattern of the zeros
 * @param algorithm that chooses them
 */
public record Sparsity(SparsityPattern pattern, PruneAlgorithm algorithm) implements Serializable {
  /** Nothing becomes zero. */
  public static final Sparsity NONE = new Sparsity(SparsityPattern.NONE, PruneAlgorithm.MAGNITUDE);

  /** Both are given. */
  public Sparsity {
    Objects.requireNonNull(pattern, "pattern");
    Objects.requireNonNull(algorithm, "algorithm");
  }

  /** Whether nothing becomes zero. */
  public boolean none() {
    return pattern.none();
  }

  /** Such as {@code 2:4 by wanda}; {@code none}. */
  public String text() {
    return none() ? "none" : pattern + " by " + algorithm.configName();
  }
}
