package org.sparkao.gpu.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.optimizer.AdamWSettings;
import org.sparkao.gpu.optimizer.CosineSchedule;
import org.sparkao.gpu.optimizer.GradientClipping;
import org.sparkao.gpu.optimizer.HostAdamW;
import org.sparkao.gpu.optimizer.StateFormat;
import org.sparkao.gpu.tensor.HostTensor;
import org.sparkao.gpu.tensor.Parameter;
import org.sparkao.gpu.train.cpu.CpuTrainingOperators;

/** Without a gradient weight decay alone moves: p - rate * decay * p. */
class TestParameterUpdate {
  @ParameterizedTest
  @CsvSource({
    "mlp.up_proj.weight, 2, 4, 7.5",
    "mlp.up_proj.weight_scale, 2, 4, 8",
    "mlp.up_proj.weight_zero_point, 2, 4, 8",
    "mlp.up_proj.weight_scale, 2, 1, 8",
    "mlp.up_proj.bias, 8, 1, 8",
    "input_layernorm.weight, 1, 8, 8"
  })
  void matricesOfWeightsDecayAlone(String name, int rows, int columns, float expected) {
    assertThat(moved(name, rows, columns, 0, settings(0.25, TrainerSettings.Decay.ZERO, 1)))
        .containsOnly(expected);
  }

  /** A first step of Adam goes the learning rate far, whatever the gradient. */
  @ParameterizedTest
  @CsvSource({
    "mlp.up_proj.weight, 7.75",
    "mlp.up_proj.weight_scale, 7.9375",
    "mlp.up_proj.weight_zero_point, 7.75",
    "mlp.up_proj.bias, 7.75"
  })
  void learnedScalesHaveTheirShareOfTheRate(String name, double expected) {
    for (float found : moved(name, 2, 4, 0.125f, settings(0, TrainerSettings.Decay.ZERO, 0.25))) {
      assertThat((double) found).isCloseTo(expected, within(1e-6));
    }
  }

  /**
   * The first step goes 0.25, as there is no way back yet; the second one goes a quarter of that
   * back, then on.
   */
  @ParameterizedTest
  @CsvSource({
    "mlp.up_proj.weight, 2, 4, 7.5625",
    "mlp.up_proj.weight_scale, 2, 4, 7.5",
    "input_layernorm.weight, 1, 8, 7.5"
  })
  void matricesDecayToTheirStart(String name, int rows, int columns, double expected) {
    TrainerSettings settings = settings(1, TrainerSettings.Decay.START, 1);
    for (float found : moved(name, rows, columns, 0.125f, settings, 2)) {
      assertThat((double) found).isCloseTo(expected, within(1e-6));
    }
  }

  private static TrainerSettings settings(
      double weightDecay, TrainerSettings.Decay decay, double scaleShare) {
    return new TrainerSettings(
        new AdamWSettings(0.9, 0.99, 1e-8, weightDecay),
        decay,
        StateFormat.FP32,
        new CosineSchedule(0.25, 0, 2, 1),
        scaleShare,
        new GradientClipping(1),
        1,
        0);
  }

  private static float[] moved(
      String name, int rows, int columns, float slope, TrainerSettings settings) {
    return moved(name, rows, columns, slope, settings, 1);
  }

  /** Eights, after some steps. */
  private static float[] moved(
      String name, int rows, int columns, float slope, TrainerSettings settings, int steps) {
    try (CpuDevice device = CpuDevice.open();
        CpuTrainingOperators operators = new CpuTrainingOperators(device, 1);
        HostTensor value = HostTensor.allocate(device, rows, columns);
        HostTensor gradient = HostTensor.allocate(device, rows, columns)) {
      float[] eights = new float[rows * columns];
      Arrays.fill(eights, 8);
      value.write(eights, 0);
      float[] slopes = new float[rows * columns];
      Arrays.fill(slopes, slope);
      gradient.write(slopes, 0);
      List<Parameter> parameters = List.of(new Parameter(name, value, gradient));
      try (ParameterUpdate update =
          new ParameterUpdate(
              operators, new HostAdamW(operators.workers()), parameters, settings)) {
        for (int step = 1; step <= steps; step++) {
          assertThat(update.step(step)).isCloseTo(slope * Math.sqrt(slopes.length), within(1e-6));
        }
      }
      return value.toFloats();
    }
  }
}
