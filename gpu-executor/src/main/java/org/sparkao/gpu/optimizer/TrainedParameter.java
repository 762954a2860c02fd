package org.sparkao.gpu.optimizer;

import java.util.Objects;
import org.sparkao.gpu.tensor.Parameter;

/**
 * A parameter and how a step is rounded to it.
 *
 * @param parameter its fp32 tensors
 * @param number its place among the parameters of the run: stochastic rounding draws by it
 * @param rounding what its values are between steps
 */
public record TrainedParameter(Parameter parameter, int number, Rounding rounding) {

  /** What values are between steps. */
  public enum Rounding {
    /** fp32. */
    FP32,
    /** bf16 numbers, rounded to nearest, ties to even. */
    BF16,
    /** bf16 numbers, rounded up or down at random, in the mean to the exact value. */
    BF16_STOCHASTIC
  }

  /** All parts are given. */
  public TrainedParameter {
    Objects.requireNonNull(parameter, "parameter");
    Objects.requireNonNull(rounding, "rounding");
  }

  /** Elements of value, gradient and each moment. */
  public long elements() {
    return parameter.value().elements();
  }
}
