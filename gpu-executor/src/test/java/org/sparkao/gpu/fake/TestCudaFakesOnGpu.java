package org.sparkao.gpu.fake;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.sparkao.gpu.device.CudaDevice;
import org.sparkao.gpu.device.MemoryBudget;
import org.sparkao.gpu.fake.FakeSettings.Ranges;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.gpu.tensor.CudaTensor;
import org.sparkao.gpu.tensor.HostTensor;
import org.sparkao.gpu.tensor.Parameter;
import org.sparkao.gpu.tensor.Tensor;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.algorithm.GivenScales;
import org.sparkao.quant.algorithm.Quantizers;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.observe.Workers;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.scheme.Numerics;
import org.sparkao.quant.scheme.QuantArgs;
import org.sparkao.quant.scheme.Schemes;

/**
 * Numbers and gradients are those of the processor, which golden vectors and the codes of {@code
 * quantize} hold; sums of gradients up to their order.
 */
@Tag("gpu")
class TestCudaFakesOnGpu {
  private static final int N = 136;
  private static final int K = 256;

  private static CudaDevice device;
  private static KernelLibrary kernels;
  private static CudaFakes cuda;

  @BeforeAll
  static void open() {
    device = CudaDevice.open(0, MemoryBudget.of(1L << 30));
    kernels = KernelLibrary.of(device);
    cuda = new CudaFakes(kernels);
  }

  @AfterAll
  static void close() {
    cuda.close();
    kernels.close();
    device.close();
  }

  static Stream<Arguments> everything() {
    return TestSchemeFakes.everything();
  }

  @ParameterizedTest
  @MethodSource("everything")
  void computedRanges(String scheme, Numerics numerics, DType type) {
    compare(scheme, new FakeSettings(numerics, type, Ranges.COMPUTED));
  }

  @ParameterizedTest
  @MethodSource("everything")
  void learnedScales(String scheme, Numerics numerics, DType type) {
    if (Schemes.parse(scheme).weights().scale() == QuantArgs.ScaleKind.WEIGHT_DTYPE) {
      compare(scheme, new FakeSettings(numerics, type, Ranges.LEARNED_STEP));
    }
  }

  private static void compare(String scheme, FakeSettings settings) {
    float[] values = FakeCase.weights(N, K, 1);
    float[] slopes = FakeCase.weights(N, K, 6);
    HostTensor w = FakeCase.tensor(N, K, values);
    SchemeFakes host = FakeCase.fakes(scheme, settings, Workers.CALLER);
    SchemeFakes own = FakeCase.fakes(scheme, settings, cuda);
    WeightFake expected = host.weight("m", w).orElseThrow();
    try (Tensor weights = tensor(WeightType.F32, N, K, values);
        Tensor fake = tensor(WeightType.F32, N, K, slopes);
        Tensor narrow = tensor(WeightType.BF16, N, K, slopes);
        Tensor gradient = tensor(WeightType.F32, N, K, slopes);
        WeightFake weight = own.weight("m", weights).orElseThrow()) {
      disturb(expected.parameters(), weight.parameters());
      HostTensor hostFake = FakeCase.zeros(N, K);
      expected.forward(w, hostFake);
      weight.forward(weights, fake);
      assertThat(sameNumbers(fake.toFloats(), hostFake.toFloats())).isTrue();
      weight.forward(weights, narrow);
      assertThat(sameNumbers(narrow.toFloats(), bf16(hostFake.toFloats()))).isTrue();
      HostTensor hostGradient = FakeCase.tensor(N, K, slopes);
      expected.backward(w, hostGradient);
      weight.backward(weights, gradient);
      assertThat(gradient.toFloats()).isEqualTo(hostGradient.toFloats());
      for (int i = 0; i < weight.parameters().size(); i++) {
        assertClose(
            weight.parameters().get(i).gradient().toFloats(),
            expected.parameters().get(i).gradient().toFloats());
      }
      own.learned()
          .forEach(
              (module, scales) -> {
                GivenScales wanted = host.learned().get(module).scales();
                assertThat(scales.scales().scales()).isEqualTo(wanted.scales());
                assertThat(scales.scales().zeroPoints()).isEqualTo(wanted.zeroPoints());
              });
    }
  }

  /** Some scales wide, some narrow, one below any; zero points between integers. */
  private static void disturb(List<Parameter> host, List<Parameter> own) {
    Random random = new Random(3);
    for (int p = 0; p < host.size(); p++) {
      float[] values = host.get(p).value().toFloats();
      assertThat(own.get(p).value().toFloats()).isEqualTo(values);
      for (int i = 0; i < values.length; i++) {
        values[i] =
            host.get(p).name().endsWith("zero_point")
                ? values[i] + 3 * (float) random.nextGaussian()
                : values[i] * (0.5f + random.nextFloat());
      }
      if (p == 0 && values.length > 1) {
        values[0] = -1;
      }
      host.get(p).value().write(values, 0);
      own.get(p).value().write(values, 0);
    }
  }

  /** Inputs in both types, of layers with a range where the scheme stores one. */
  @ParameterizedTest
  @CsvSource({
    "W8A8, 256, 67",
    "8DA4W, 576, 300",
    "8DA4W, 1536, 33",
    "W4AFP8, 256, 5",
    "FP8, 256, 67",
    "FP8_DYNAMIC, 576, 67",
    "FP8_BLOCK, 256, 67",
    "MXFP8, 256, 67",
    "MXFP4, 256, 67",
    "NVFP4, 576, 67"
  })
  void inputs(String scheme, int columns, int rows) {
    for (Numerics numerics : Numerics.values()) {
      if (!exists(scheme, numerics, rows, columns)) {
        continue;
      }
      FakeSettings settings = new FakeSettings(numerics, DType.BF16, Ranges.COMPUTED);
      SchemeFakes host = FakeCase.fakes(scheme, settings, Workers.CALLER);
      SchemeFakes own = FakeCase.fakes(scheme, settings, cuda);
      float[] values = bf16(FakeCase.weights(rows, columns, 21));
      float[] slopes = bf16(FakeCase.weights(rows, columns, 22));
      HostTensor x = FakeCase.tensor(rows, columns, values);
      HostTensor hostFake = FakeCase.zeros(rows, columns);
      ActivationFake expected = host.activation("calibrated", columns).orElseThrow();
      expected.forward(x, hostFake);
      HostTensor hostGradient = FakeCase.tensor(rows, columns, slopes);
      expected.backward(x, hostGradient);
      for (WeightType type : List.of(WeightType.F32, WeightType.BF16)) {
        try (Tensor input = tensor(type, rows, columns, values);
            Tensor fake = tensor(type, rows, columns, slopes);
            Tensor gradient = tensor(type, rows, columns, slopes);
            ActivationFake activation = own.activation("calibrated", columns).orElseThrow()) {
          activation.forward(input, fake);
          float[] wanted = hostFake.toFloats();
          assertThat(sameNumbers(fake.toFloats(), type == WeightType.F32 ? wanted : bf16(wanted)))
              .isTrue();
          activation.backward(input, gradient);
          assertThat(gradient.toFloats()).isEqualTo(hostGradient.toFloats());
        }
      }
    }
  }

  private static void assertClose(float[] found, float[] expected) {
    assertThat(found).hasSameSizeAs(expected);
    for (int i = 0; i < found.length; i++) {
      if (!(Math.abs(found[i] - expected[i]) <= 2e-6f * (1 + Math.abs(expected[i])))) {
        assertThat(found[i]).as("gradient %d", i).isEqualTo(expected[i]);
      }
    }
  }

  private static boolean exists(String scheme, Numerics numerics, int rows, int columns) {
    QuantArgs inputs = Schemes.parse(scheme).activations().orElseThrow();
    try {
      Quantizers.parts(InputScheme.request(inputs, numerics, DType.F32, rows, columns));
      return true;
    } catch (QuantException e) {
      return false;
    }
  }

  private static Tensor tensor(WeightType type, int rows, int columns, float[] values) {
    Tensor tensor = CudaTensor.allocate(device, type, rows, columns);
    tensor.write(values, 0);
    return tensor;
  }

  private static float[] bf16(float[] values) {
    float[] rounded = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      rounded[i] = WeightType.BF16.round(values[i]);
    }
    return rounded;
  }

  /** Equal, whatever the sign of zero. */
  private static boolean sameNumbers(float[] a, float[] b) {
    for (int i = 0; i < a.length; i++) {
      if (!(a[i] == b[i])) {
        return false;
      }
    }
    return a.length == b.length;
  }
}
