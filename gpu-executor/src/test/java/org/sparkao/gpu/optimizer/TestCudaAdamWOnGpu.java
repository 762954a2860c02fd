package org.sparkao.gpu.optimizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.sparkao.gpu.device.CudaDevice;
import org.sparkao.gpu.device.MemoryBudget;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.gpu.optimizer.TrainedParameter.Rounding;
import org.sparkao.gpu.tensor.CudaTensor;
import org.sparkao.gpu.tensor.Parameter;
import org.sparkao.gpu.tensor.Tensor;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.observe.Workers;

/** Every bit of values and states is that of {@link HostAdamW}, which golden vectors hold. */
@Tag("gpu")
class TestCudaAdamWOnGpu {
  private static final AdamWSettings SETTINGS = new AdamWSettings(0.9, 0.95, 1e-8, 0.1);
  private static final int STEPS = 4;

  private static CudaDevice device;
  private static KernelLibrary kernels;

  @BeforeAll
  static void open() {
    device = CudaDevice.open(0, MemoryBudget.of(1L << 30));
    kernels = KernelLibrary.of(device);
  }

  @AfterAll
  static void close() {
    kernels.close();
    device.close();
  }

  static Stream<Arguments> everything() {
    return Stream.of(StateFormat.values())
        .flatMap(
            format ->
                Stream.of(Rounding.values())
                    .flatMap(
                        rounding ->
                            Stream.of(1, 1003, 4096 + 256, 256 * 999)
                                .map(elements -> Arguments.of(format, rounding, elements))));
  }

  @ParameterizedTest
  @MethodSource("everything")
  void bitsOfTheProcessor(StateFormat format, Rounding rounding, int elements) {
    Random random = new Random(elements);
    float[] begin = OptimizerCase.values(elements, i -> random.nextGaussian());
    TrainedParameter host = OptimizerCase.parameter(rounding, begin);
    if (rounding != Rounding.FP32) {
      for (int i = 0; i < elements; i++) {
        begin[i] = WeightType.BF16.round(begin[i]);
      }
    }
    try (Tensor values = CudaTensor.allocate(device, WeightType.F32, 3, elements);
        Tensor gradients = CudaTensor.allocate(device, WeightType.F32, 3, elements);
        CudaAdamW cuda = new CudaAdamW(kernels);
        AdamWState states = AdamWState.zeros(device, format, elements);
        AdamWState expected = AdamWState.zeros(OptimizerCase.CPU, format, elements)) {
      // Rows around it stay as they are; odd lengths begin at addresses that are no multiple of 16.
      Parameter own = new Parameter("layers.0.weight", values.slice(1, 2), gradients.slice(1, 2));
      TrainedParameter moved = new TrainedParameter(own, host.number(), rounding);
      own.value().write(begin, 0);
      for (int step = 1; step <= STEPS; step++) {
        float[] gradient = OptimizerCase.values(elements, i -> Math.pow(random.nextGaussian(), 5));
        AdamWStep now = new AdamWStep(SETTINGS, step, 0.01f, 0.7f, 1L << 40 | 5);
        OptimizerCase.step(Workers.CALLER, host, gradient, expected, now);
        own.gradient().write(gradient, 0);
        cuda.step(moved, states, now);
      }
      assertThat(OptimizerCase.values(moved)).isEqualTo(OptimizerCase.values(host));
      assertThat(values.slice(0, 1).toFloats()).isEqualTo(new float[elements]);
      assertThat(values.slice(2, 3).toFloats()).isEqualTo(new float[elements]);
      for (List<MomentState> pair :
          List.of(
              List.of(states.first(), expected.first()),
              List.of(states.second(), expected.second()))) {
        assertThat(OptimizerCase.bytes(pair.get(0).codes()))
            .isEqualTo(OptimizerCase.bytes(pair.get(1).codes()));
        assertThat(scales(pair.get(0))).isEqualTo(scales(pair.get(1)));
      }
    }
  }

  private static float[] scales(MomentState state) {
    return state.scales().map(OptimizerCase::floats).orElseGet(() -> new float[0]);
  }
}
