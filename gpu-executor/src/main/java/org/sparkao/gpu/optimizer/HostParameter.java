package org.sparkao.gpu.optimizer;

import org.sparkao.gpu.tensor.HostTensor;
import org.sparkao.quant.format.WeightType;

/** The numbers of a parameter on the heap. */
final class HostParameter {
  private final TrainedParameter parameter;
  private final HostTensor value;
  private final HostTensor gradient;

  HostParameter(TrainedParameter parameter) {
    this.parameter = parameter;
    this.value = HostTensor.of(parameter.parameter().value());
    this.gradient = HostTensor.of(parameter.parameter().gradient());
  }

  /** Fills {@code out[0, count)} with elements [begin, begin + count) of the value. */
  void readValue(int begin, int count, float[] out) {
    System.arraycopy(value.array(), value.offset() + begin, out, 0, count);
  }

  /** The same of the gradient. */
  void readGradient(int begin, int count, float[] out) {
    System.arraycopy(gradient.array(), gradient.offset() + begin, out, 0, count);
  }

  /** Stores {@code values[0, count)}, which it may round in place. */
  void writeValue(float[] values, int begin, int count, AdamWStep step) {
    switch (parameter.rounding()) {
      case FP32 -> {}
      case BF16 -> {
        for (int i = 0; i < count; i++) {
          values[i] = WeightType.BF16.round(values[i]);
        }
      }
      case BF16_STOCHASTIC ->
          new StochasticRounding(step.seed(), parameter.number(), step.step())
              .round(values, begin, count);
    }
    System.arraycopy(values, 0, value.array(), value.offset() + begin, count);
  }
}
