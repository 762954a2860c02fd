package org.sparkao.gpu.optimizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparkao.gpu.model.GoldenFile;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.observe.Workers;

/** States and parameters of torchao's optimizers over five steps. */
class TestGoldenAdamW {
  private static final AdamWSettings SETTINGS = new AdamWSettings(0.9, 0.95, 1e-8, 0.1);
  private static final float RATE = 0.003f;
  private static final int ELEMENTS = 64 * 64;

  private static Path folder;

  @BeforeAll
  static void findShared() {
    Optional<Path> found = GoldenFile.shared("golden/algorithms");
    assumeTrue(found.isPresent(), "no ../shared/golden");
    folder = found.get();
  }

  @ParameterizedTest
  @CsvSource({"adamw8bit,INT8,3e-8", "adamw4bit,INT4,3e-8", "adamwfp8,FP8,3e-6"})
  void everyStepInFp32(String name, StateFormat format, float tolerance) {
    GoldenFile golden = GoldenFile.read(folder.resolve("optim.safetensors"));
    TrainedParameter parameter =
        OptimizerCase.parameter(TrainedParameter.Rounding.FP32, golden.floats("param0"));
    AdamWState state = AdamWState.zeros(OptimizerCase.CPU, format, ELEMENTS);
    for (int step = 1; step <= 5; step++) {
      step(parameter, golden.floats("grad" + (step - 1)), state, step);
      String prefix = name + ".step" + step;
      assertStates(golden, prefix, state);
      assertThat(OptimizerCase.values(parameter))
          .usingElementComparator((a, b) -> Math.abs(a - b) <= tolerance ? 0 : 1)
          .containsExactly(golden.floats(prefix + ".param"));
    }
  }

  @ParameterizedTest
  @CsvSource({"adamw8bit,INT8", "adamw4bit,INT4", "adamwfp8,FP8"})
  void fiveStepsInBf16(String name, StateFormat format) {
    GoldenFile golden = GoldenFile.read(folder.resolve("optim.safetensors"));
    TrainedParameter parameter =
        OptimizerCase.parameter(TrainedParameter.Rounding.BF16, golden.floats("param0"));
    AdamWState state = AdamWState.zeros(OptimizerCase.CPU, format, ELEMENTS);
    for (int step = 1; step <= 5; step++) {
      float[] gradient = golden.floats("grad" + (step - 1));
      for (int i = 0; i < gradient.length; i++) {
        gradient[i] = WeightType.BF16.round(gradient[i]);
      }
      step(parameter, gradient, state, step);
    }
    assertStates(golden, name + "_bf16.step5", state);
    byte[] expected = golden.bytes(name + "_bf16.step5.param");
    assertThat(OptimizerCase.values(parameter))
        .containsExactly(
            OptimizerCase.values(ELEMENTS, i -> WeightType.BF16.read(expected, 2 * i)));
  }

  @ParameterizedTest
  @CsvSource({
    "8bit_signed,INT8,true",
    "8bit_unsigned,INT8,false",
    "4bit_signed,INT4,true",
    "4bit_unsigned,INT4,false",
    "fp8,FP8,true"
  })
  void oneVector(String name, StateFormat format, boolean signed) {
    GoldenFile golden = GoldenFile.read(folder.resolve("optim_state_quantizers.safetensors"));
    float[] x = golden.floats("x");
    if (!signed) {
      for (int i = 0; i < x.length; i++) {
        x[i] = Math.abs(x[i]);
      }
    }
    ByteBuffer codes = littleEndian(format.codeBytes(x.length));
    ByteBuffer scales = littleEndian(format.scaleBytes(x.length));
    StateCodec codec = StateCodec.of(format, signed);
    codec.encode(x, 0, x.length, codes, scales);
    assertThat(codes.array()).isEqualTo(golden.bytes(name + ".codes"));
    assertThat(scales.array()).isEqualTo(golden.bytes(name + ".scale"));
    float[] back = new float[x.length];
    codec.decode(codes, scales, 0, x.length, back);
    assertThat(back).containsExactly(golden.floats(name + ".dequant"));
  }

  @Test
  void mapsOfCodes() {
    GoldenFile golden = GoldenFile.read(folder.resolve("optim_state_quantizers.safetensors"));
    assertThat(StateMaps.signed8()).containsExactly(golden.floats("8bit_signed.qmap"));
    assertThat(StateMaps.unsigned8()).containsExactly(golden.floats("8bit_unsigned.qmap"));
    assertThat(StateMaps.signed4()).containsExactly(golden.floats("4bit_signed.qmap"));
    assertThat(StateMaps.unsigned4()).containsExactly(golden.floats("4bit_unsigned.qmap"));
  }

  @Test
  void stochasticRounding() {
    GoldenFile golden = GoldenFile.read(folder.resolve("stochastic_rounding.safetensors"));
    float[] x = golden.floats("x");
    int[] random = golden.ints("rand_16bit");
    byte[] expected = golden.bytes("bf16");
    for (int i = 0; i < x.length; i++) {
      assertThat(StochasticRounding.round(x[i], random[i]))
          .isEqualTo(WeightType.BF16.read(expected, 2 * i));
    }
  }

  @ParameterizedTest
  @EnumSource(StateFormat.class)
  void bytesOfStatesAreCountedAtPlanning(StateFormat format) {
    try (AdamWState state = AdamWState.zeros(OptimizerCase.CPU, format, ELEMENTS)) {
      assertThat(state.bytes()).isEqualTo(format.stateBytes(ELEMENTS));
    }
    assertThat((double) format.stateBytes(1 << 20) / StateFormat.FP32.stateBytes(1 << 20))
        .isCloseTo(
            switch (format) {
              case FP32 -> 1;
              case INT8, FP8 -> (8 + 32 / 256.) / 32;
              case INT4 -> (4 + 32 / 128.) / 32;
            },
            within(1e-12));
    assertThat(format.of(4095)).isEqualTo(StateFormat.FP32);
    assertThat(format.of(4096 + 64)).isEqualTo(StateFormat.FP32);
  }

  private static void step(
      TrainedParameter parameter, float[] gradient, AdamWState state, int number) {
    AdamWStep step = new AdamWStep(SETTINGS, number, RATE, 1, 0);
    OptimizerCase.step(Workers.CALLER, parameter, gradient, state, step);
  }

  private static void assertStates(GoldenFile golden, String prefix, AdamWState state) {
    assertState(golden, prefix + ".exp_avg", state.first());
    assertState(golden, prefix + ".exp_avg_sq", state.second());
  }

  private static void assertState(GoldenFile golden, String prefix, MomentState state) {
    assertThat(OptimizerCase.bytes(state.codes())).isEqualTo(golden.bytes(prefix + ".codes"));
    float[] scales = golden.floats(prefix + ".scale");
    assertThat(OptimizerCase.floats(state.scales().orElseThrow()))
        .usingElementComparator((a, b) -> Math.abs(a - b) <= 1e-6f * Math.abs(b) ? 0 : 1)
        .containsExactly(scales);
  }

  private static ByteBuffer littleEndian(long bytes) {
    return ByteBuffer.allocate((int) bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
