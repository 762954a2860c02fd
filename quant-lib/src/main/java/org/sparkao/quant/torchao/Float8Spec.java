package org.sparkao.quant.torchao;

import java.util.Objects;
import org.sparkao.quant.format.BinaryFloat;
import org.sparkao.quant.format.WeightType;

/**
 * fp8 codes under a scale that multiplies, as torchao's inference paths write them.
 *
 * <p>Source: torchao {@code quantization/quant_primitives.py}, {@code _choose_scale_float8} and
 * {@code _quantize_affine_float8} (the torch kernels; the MSLK kernels write other bytes).
 *
 * @param format e4m3fn or e5m2
 * @param scaleRounding whether scales are powers of two
 * @param smallestAmax amax is raised to this, rounded to the input type; 0 for no bound. Without it
 *     values that are all zero have the scale 0 and NaN for codes
 * @param largestAmax amax is cut to this, rounded to the input type; infinity for no bound
 */
public record Float8Spec(
    BinaryFloat format, ScaleRounding scaleRounding, float smallestAmax, float largestAmax)
    implements TorchaoSpec {

  /** Which numbers scales are. */
  public enum ScaleRounding {
    /** amax / largest, divided in the input type. */
    EXACT,
    /** 2^rint(log2(amax / largest)), each step in the input type. */
    POWER_OF_TWO
  }

  /** Checks the bounds. */
  public Float8Spec {
    Objects.requireNonNull(format, "format");
    Objects.requireNonNull(scaleRounding, "scaleRounding");
    if (!(smallestAmax >= 0 && largestAmax >= smallestAmax)) {
      throw new IllegalArgumentException("amax from " + smallestAmax + " to " + largestAmax);
    }
  }

  /** Exact scales without bounds. */
  public static Float8Spec unbounded(BinaryFloat format) {
    return new Float8Spec(format, ScaleRounding.EXACT, 0, Float.POSITIVE_INFINITY);
  }

  @Override
  public GroupRule rule(WeightType input) {
    return new Float8Rule(this, input);
  }
}
