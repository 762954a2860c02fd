package org.sparkao.gpu.train;

import java.util.Locale;

/**
 * Whether the linear layers of blocks multiply fp8, in the manner of torchao.float8: inputs and
 * weights as E4M3, gradients as E5M2 (Micikevicius et al. 2022), each scaled by its own largest
 * magnitude at every product.
 */
public enum Float8 {
  /** They do not. */
  NONE,
  /** One scale a matrix. */
  TENSORWISE,
  /** One scale for every row of an operand, along what a product sums over. */
  ROWWISE;

  /** Such as {@code tensorwise}. */
  public String configName() {
    return name().toLowerCase(Locale.ROOT);
  }
}
