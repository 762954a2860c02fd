package org.sparkao.quant.calibrated;

import java.util.Objects;

/**
 * How GPTQ is done.
 *
 * @param order of the columns
 * @param damping what is added to the diagonal, as a share of its mean
 */
public record GptqOptions(ActOrder order, double damping) {
  /** What the paper and llm-compressor add. */
  public static final double DEFAULT_DAMPING = 0.01;

  /** A share above 0, up to 1. */
  public GptqOptions {
    Objects.requireNonNull(order, "order");
    if (!(damping > 0 && damping <= 1)) {
      throw new IllegalArgumentException("damping " + damping + " is not above 0 and up to 1");
    }
  }
}
