package org.sparkao.quant.torchao;

import java.util.Objects;
import org.sparkao.quant.format.BinaryFloat;
import org.sparkao.quant.format.WeightType;

/**
 * Microscaling: fp8, fp6 or fp4 codes under one power of two for every 32 values.
 *
 * <p>Source: torchao {@code prototype/mx_formats/mx_tensor.py}, {@code to_mx}; OCP Microscaling
 * Formats 1.0, section 6.3.
 *
 * @param format e4m3fn, e5m2, e2m3, e3m2 or e2m1
 * @param mode how the exponent follows from the largest magnitude
 */
public record MxSpec(BinaryFloat format, ScalingMode mode) implements TorchaoSpec {
  /** Values that share a scale, along the contiguous axis. */
  public static final int GROUP = 32;

  /** How the exponent of the scale follows from amax, the largest magnitude of the group. */
  public enum ScalingMode {
    /** floor(log2 amax) - log2 of the largest power of two of the format: the rule of the OCP. */
    FLOOR,
    /** One more than FLOOR unless amax is a power of two. */
    CEIL,
    /** FLOOR of amax rounded to the mantissa bits of the format, half-way up. */
    EVEN,
    /** The smallest power of two that is not below amax / largest: the default of the configs. */
    RCEIL
  }

  /** All parts are given. */
  public MxSpec {
    Objects.requireNonNull(format, "format");
    Objects.requireNonNull(mode, "mode");
  }

  @Override
  public GroupRule rule(WeightType input) {
    return new MxRule(this, input);
  }
}
