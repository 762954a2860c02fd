package org.sparkao.jobs.train.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkao.gpu.device.DeviceInfo.Kind;
import org.sparkao.gpu.fake.FakeSettings.Ranges;
import org.sparkao.gpu.fake.Fakes;
import org.sparkao.gpu.model.Arithmetic;
import org.sparkao.gpu.optimizer.StateFormat;
import org.sparkao.gpu.train.Float8;
import org.sparkao.gpu.train.TrainerSettings.Decay;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.scheme.Numerics;

class TestTrainCompute {
  @Test
  void gpusTrainInBf16UnlessAsked() {
    assertThat(TrainCompute.of(Kind.CUDA, Optional.empty(), Float8.NONE)).hasToString("cuda, bf16");
    assertThat(TrainCompute.of(Kind.CUDA, Optional.of(Arithmetic.FP32), Float8.NONE))
        .hasToString("cuda, fp32");
    assertThat(TrainCompute.of(Kind.CPU, Optional.empty(), Float8.NONE)).hasToString("cpu, fp32");
  }

  @Test
  void theProcessorHasNoFloat8() {
    assertThatThrownBy(() -> TrainCompute.of(Kind.CPU, Optional.empty(), Float8.ROWWISE))
        .isInstanceOf(QuantException.class)
        .hasMessage(
            "--float8 rowwise: the processor has no fp8 products; leave it out, or use --device"
                + " cuda");
  }

  /** The text of the options is part of the fingerprint, and of the rows of steps. */
  @Test
  void float8IsPartOfTheOptions() {
    TrainCompute compute = TrainCompute.of(Kind.CUDA, Optional.empty(), Float8.TENSORWISE);
    TrainOptions options =
        new TrainOptions(
            TrainMode.MODEL,
            24,
            4,
            20,
            32,
            1e-4,
            1e-5,
            0,
            0,
            Decay.ZERO,
            0.95,
            1,
            StateFormat.FP32,
            Ranges.COMPUTED,
            "",
            1,
            0,
            0,
            Numerics.TORCHAO,
            0,
            Averaging.NONE,
            compute,
            false,
            BlockInputs.TEACHER);
    assertThat(options.trainer().adamW().beta2()).isEqualTo(0.95);
    assertThat(options.trainer().scaleShare()).isCloseTo(0.1, within(1e-12));
    assertThat(compute).hasToString("cuda, bf16, float8 tensorwise");
    assertThat(options.toString()).contains("cuda, bf16, float8 tensorwise");
    assertThat(options.setup(Fakes.NONE).float8()).isEqualTo(Float8.TENSORWISE);
    assertThat(options.teacher().float8()).isEqualTo(Float8.NONE);
  }

  @Test
  void schemesOfWeightsAloneMayMultiplyFp8() {
    TrainPlanner.requireInputsAsTheyAre(Map.of("q_proj", "W4A16"), Float8.ROWWISE);
    TrainPlanner.requireInputsAsTheyAre(Map.of("q_proj", "8DA4W"), Float8.NONE);
  }

  @ParameterizedTest
  @ValueSource(strings = {"8DA4W", "FP8_DYNAMIC", "W8A8"})
  void inputsAreNotQuantizedTwice(String scheme) {
    Map<String, String> schemes = Map.of("q_proj", scheme);
    assertThatThrownBy(() -> TrainPlanner.requireInputsAsTheyAre(schemes, Float8.TENSORWISE))
        .isInstanceOf(QuantException.class)
        .hasMessage(
            "--float8 tensorwise: scheme "
                + scheme
                + " of q_proj quantizes its inputs, which float8 would round once more; leave"
                + " --float8 out, or use a scheme of weights alone such as W4A16");
  }
}
