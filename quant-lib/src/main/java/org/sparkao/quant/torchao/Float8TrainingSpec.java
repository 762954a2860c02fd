package org.sparkao.quant.torchao;

import java.util.Objects;
import org.sparkao.quant.format.BinaryFloat;
import org.sparkao.quant.format.WeightType;

/**
 * fp8 codes of torchao's training path: the stored scale is what values were multiplied by.
 *
 * <p>Source: torchao {@code float8/float8_utils.py}, {@code amax_to_scale} and {@code
 * to_fp8_saturated}.
 *
 * @param format e4m3fn or e5m2
 * @param multiplier which multipliers there are
 */
public record Float8TrainingSpec(BinaryFloat format, Multiplier multiplier) implements TorchaoSpec {

  /** Which multipliers there are. */
  public enum Multiplier {
    /** largest / max(amax, 1e-12), divided in F64 and rounded to F32 (tensorwise scaling). */
    EXACT,
    /** The same, rounded down to a power of two (rowwise scaling). */
    POWER_OF_TWO
  }

  /** All parts are given. */
  public Float8TrainingSpec {
    Objects.requireNonNull(format, "format");
    Objects.requireNonNull(multiplier, "multiplier");
  }

  @Override
  public GroupRule rule(WeightType input) {
    return new Float8TrainingRule(this, input);
  }
}
