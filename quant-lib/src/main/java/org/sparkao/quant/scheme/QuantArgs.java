package org.sparkao.quant.scheme;

import java.util.Objects;

/**
 * How one tensor (a weight, or the activations that meet it) is quantized.
 *
 * @param kind integer or floating-point codes
 * @param bits bits of a code: 2 to 8 for integers; 4 (e2m1) or 8 (e4m3fn) for floats
 * @param symmetric no zero point
 * @param granularity which elements share a scale
 * @param timing when scales are found
 * @param scale how scales are stored
 */
public record QuantArgs(
    Kind kind,
    int bits,
    boolean symmetric,
    Granularity granularity,
    Timing timing,
    ScaleKind scale) {

  /** Integer or floating-point codes. */
  public enum Kind {
    INT,
    FLOAT
  }

  /** When scales are found. */
  public enum Timing {
    /** Once, and stored. */
    STATIC,
    /** From the values themselves whenever they are used; nothing is stored. */
    DYNAMIC,
    /** Block scales dynamic under a stored global scale (NVFP4 activations). */
    LOCAL
  }

  /** How scales are stored. */
  public enum ScaleKind {
    /** In the data type of the weight. */
    WEIGHT_DTYPE,
    /** One exponent byte, 2^(byte - 127) (OCP MX 1.0, section 5.4.1). */
    E8M0,
    /** e4m3fn under one fp32 divisor of the tensor (NVFP4). */
    E4M3_WITH_GLOBAL
  }

  /** Checks that the combination exists. */
  public QuantArgs {
    Objects.requireNonNull(granularity, "granularity");
    boolean known = kind == Kind.INT ? bits >= 1 && bits <= 8 : bits == 4 || bits == 8;
    if (!known) {
      throw new IllegalArgumentException(kind + " codes of " + bits + " bits");
    }
    if (kind == Kind.FLOAT && !symmetric) {
      throw new IllegalArgumentException("floating-point codes are symmetric");
    }
  }
}
