package org.sparkao.gpu.model;

import java.util.Objects;

/**
 * Rotary position embedding (Su et al. 2021): position p turns pair i of a head by p * frequency i.
 *
 * @param base {@code rope_theta}
 * @param scaling how frequencies are changed for longer contexts
 */
public record RopeConfig(double base, Scaling scaling) {
  /** Both are given. */
  public RopeConfig {
    Objects.requireNonNull(scaling, "scaling");
  }

  /** How frequencies are changed; names as in transformers' {@code rope_type}. */
  public sealed interface Scaling {}

  /** {@code default}: not at all. */
  public record Unscaled() implements Scaling {}

  /** {@code linear}: positions divided by a factor. */
  public record Linear(double factor) implements Scaling {}

  /**
   * {@code llama3}: low frequencies divided by the factor, high ones kept, smooth between (Llama
   * 3.1).
   */
  public record Llama3(
      double factor, double lowFrequencyFactor, double highFrequencyFactor, int originalContext)
      implements Scaling {}

  /**
   * {@code yarn} (Peng et al. 2023).
   *
   * @param attentionFactor what cosines and sines are multiplied by
   */
  public record Yarn(
      double factor, int originalContext, double betaFast, double betaSlow, double attentionFactor)
      implements Scaling {}
}
