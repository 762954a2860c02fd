package org.sparkao.gpu.fake;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkao.gpu.tensor.HostTensor;
import org.sparkao.gpu.tensor.Parameter;
import org.sparkao.gpu.tensor.Tensor;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.algorithm.GivenScales;
import org.sparkao.quant.algorithm.ModuleScales;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.algorithm.Quantizers;
import org.sparkao.quant.algorithm.ScalesFile;
import org.sparkao.quant.observe.TensorRange;
import org.sparkao.quant.observe.Workers;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.safetensors.FileSink;
import org.sparkao.quant.safetensors.FileSource;
import org.sparkao.quant.scheme.Numerics;
import org.sparkao.quant.scheme.QuantArgs;
import org.sparkao.quant.scheme.Schemes;

class TestSchemeFakes {
  private static final int N = 136;
  private static final int K = 256;
  private static final List<String> OTHERS =
      List.of(
          "W4A16_ASYM(group_size=32)",
          "W3A16(group_size=64,symmetric=false)",
          "W8A16(group_size=-1)");

  /** Every scheme that has a name, in all types and arithmetics that it has. */
  static Stream<Arguments> everything() {
    Stream<String> names =
        Stream.concat(Schemes.all().stream().map(scheme -> scheme.name()), OTHERS.stream());
    return names.flatMap(
        name ->
            Stream.of(DType.F32, DType.BF16, DType.F16)
                .flatMap(
                    type ->
                        Stream.of(Numerics.values())
                            .filter(numerics -> exists(name, numerics, type))
                            .map(numerics -> Arguments.of(name, numerics, type))));
  }

  private static boolean exists(String scheme, Numerics numerics, DType type) {
    try {
      Quantizers.parts(FakeCase.request(scheme, numerics, type, N, K));
      return true;
    } catch (QuantException e) {
      return false;
    }
  }

  @ParameterizedTest
  @MethodSource("everything")
  void fakesAreTheNumbersOfTheStoredCodes(String scheme, Numerics numerics, DType type) {
    float[] weights = FakeCase.weights(N, K, 1);
    QuantizeRequest request = FakeCase.request(scheme, numerics, type, N, K);
    byte[] source = FakeCase.bytes(weights, type);
    float[] loaded =
        FakeCase.loaded(
            request,
            FakeCase.parts(Quantizers.create(request, FakeCase.range(request, source)), source, N));
    for (Workers workers : List.of(Workers.CALLER, FakeCase.PARALLEL)) {
      SchemeFakes fakes =
          FakeCase.fakes(
              scheme, new FakeSettings(numerics, type, FakeSettings.Ranges.COMPUTED), workers);
      HostTensor w = FakeCase.tensor(N, K, weights);
      HostTensor fake = FakeCase.zeros(N, K);
      fakes.weight("m", w).orElseThrow().forward(w, fake);
      // torchao multiplies by the global scale, loaders divide by what is stored of it.
      boolean multiplies =
          numerics == Numerics.TORCHAO && type == DType.F32 && scheme.startsWith("NVFP4");
      if (multiplies) {
        assertThat(fake.toFloats())
            .usingElementComparator((a, b) -> Math.abs(a - b) <= 2 * Math.ulp(b) ? 0 : 1)
            .containsExactly(loaded);
      } else {
        assertThat(sameNumbers(fake.toFloats(), loaded)).isTrue();
      }
    }
  }

  @ParameterizedTest
  @MethodSource("everything")
  void learnedScalesConvertToTheFakes(
      String scheme, Numerics numerics, DType type, @TempDir Path folder) throws IOException {
    SchemeFakes fakes = FakeCase.fakes(scheme, numerics, type, FakeSettings.Ranges.LEARNED_STEP);
    HostTensor w = FakeCase.tensor(N, K, FakeCase.weights(N, K, 1));
    if (Schemes.parse(scheme).weights().scale() != QuantArgs.ScaleKind.WEIGHT_DTYPE) {
      assertThatThrownBy(() -> fakes.weight("m", w))
          .isInstanceOf(QuantException.class)
          .hasMessageContaining("m: the scales of scheme")
          .hasMessageContaining("cannot be learned");
      return;
    }
    WeightFake weight = fakes.weight("m", w).orElseThrow();
    disturb(weight.parameters());
    HostTensor fake = FakeCase.zeros(N, K);
    weight.forward(w, fake);
    GivenScales read = throughFile(fakes.learned(), scheme, numerics, type, folder);
    QuantizeRequest request = FakeCase.request(scheme, numerics, type, N, K);
    byte[] source = FakeCase.bytes(w.toFloats(), type);
    List<ByteBuffer> parts = FakeCase.parts(Quantizers.create(request, read), source, N);
    assertThat(sameNumbers(FakeCase.loaded(request, parts), fake.toFloats())).isTrue();
    if (type == DType.F32) {
      byte[] again = FakeCase.bytes(fake.toFloats(), type);
      parts = FakeCase.parts(Quantizers.create(request, read), again, N);
      assertThat(sameNumbers(FakeCase.loaded(request, parts), fake.toFloats())).isTrue();
    }
    SchemeFakes next = FakeCase.begunWith(read, scheme, numerics, type);
    HostTensor begun = FakeCase.zeros(N, K);
    next.weight("next", w).orElseThrow().forward(w, begun);
    assertThat(sameNumbers(begun.toFloats(), fake.toFloats())).isTrue();
    read.scales()[0] = -1;
    assertThatThrownBy(() -> next.weight("bad", w))
        .isInstanceOf(QuantException.class)
        .hasMessageContaining("bad: ")
        .hasMessageContaining("scale 0 is -1.0");
  }

  private static GivenScales throughFile(
      Map<String, ModuleScales> learned, String scheme, Numerics numerics, DType type, Path folder)
      throws IOException {
    Path file = folder.resolve(ScalesFile.NAME);
    try (FileSink sink = FileSink.create(file)) {
      ScalesFile.write(sink, learned);
    }
    try (FileSource source = FileSource.open(file)) {
      ScalesFile scales = ScalesFile.open(source);
      assertThat(scales.modules()).containsExactly("m");
      scales.check("m", FakeCase.request(scheme, numerics, type, N, K));
      if (!scheme.equals("FP8")) {
        assertThatThrownBy(
                () -> scales.check("m", FakeCase.request(scheme, numerics, type, 2 * N, 2 * K)))
            .isInstanceOf(QuantException.class)
            .hasMessageContaining("the scales of m are " + type);
      }
      String other = scheme.equals("W8A8") ? "FP8_DYNAMIC" : "W8A8";
      assertThatThrownBy(() -> scales.check("m", FakeCase.request(other, numerics, type, N, K)))
          .isInstanceOf(QuantException.class)
          .hasMessageContaining("were learned under " + Schemes.parse(scheme).name())
          .hasMessageContaining("use the former");
      return scales.read(source, "m");
    }
  }

  /** As if trained: some scales wide, some narrow, one below any; zero points between integers. */
  private static void disturb(List<Parameter> parameters) {
    Random random = new Random(3);
    for (Parameter parameter : parameters) {
      float[] values = parameter.value().toFloats();
      for (int i = 0; i < values.length; i++) {
        values[i] =
            parameter.name().endsWith("zero_point")
                ? values[i] + 3 * (float) random.nextGaussian()
                : values[i] * (0.5f + random.nextFloat());
      }
      if (parameter.name().endsWith("scale") && values.length > 1) {
        values[0] = -1;
      }
      parameter.value().write(values, 0);
    }
  }

  /**
   * Central differences of sum(c * fake) in fp64, the part that rounding moved a code by being kept
   * as it is, and whether it was cut off too: what straight-through means.
   */
  @ParameterizedTest
  @CsvSource({
    "W4A16_ASYM(group_size=32), 32, 1",
    "W3A16(group_size=64), 64, 1",
    "W8A16(group_size=-1), 256, 1",
    "FP8_DYNAMIC, 256, 1",
    "FP8_BLOCK, 128, 128"
  })
  void gradientsAreThoseOfDifferences(String scheme, int groupColumns, int groupRows) {
    SchemeFakes fakes =
        FakeCase.fakes(scheme, Numerics.COMPRESSED_TENSORS, DType.F32, FakeSettings.Ranges.LEARNED);
    float[] x = FakeCase.weights(N, K, 5);
    HostTensor w = FakeCase.tensor(N, K, x);
    WeightFake weight = fakes.weight("m", w).orElseThrow();
    disturb(weight.parameters());
    GivenScales used = fakes.learned().get("m").scales();
    HostTensor fake = FakeCase.zeros(N, K);
    weight.forward(w, fake);
    float[] c = FakeCase.weights(N, K, 6);
    HostTensor gradient = FakeCase.tensor(N, K, c);
    weight.backward(w, gradient);
    Differences differences = new Differences(scheme, used, fake.toFloats());
    int groups = K / groupColumns;
    double[] ofScale = new double[used.scales().length];
    double[] ofZero = new double[used.scales().length];
    float[] ofX = gradient.toFloats();
    for (int i = 0; i < x.length; i++) {
      int group = i / K / groupRows * groups + i % K / groupColumns;
      double[] slopes = differences.slopes(x[i], i, group);
      if (!(Math.abs(ofX[i] - c[i] * slopes[0]) <= 1e-6)) {
        assertThat((double) ofX[i]).as("element %d", i).isEqualTo(c[i] * slopes[0]);
      }
      ofScale[group] += c[i] * slopes[1];
      ofZero[group] += c[i] * slopes[2];
    }
    assertAllClose(weight.parameters().get(0).gradient(), ofScale);
    if (weight.parameters().size() > 1) {
      assertAllClose(weight.parameters().get(1).gradient(), ofZero);
    }
  }

  /** The layer in fp64, around one element. */
  private record Differences(String scheme, GivenScales used, float[] fake) {
    private static final double STEP = 1e-4;

    /** Slopes along x, scale and zero point. */
    double[] slopes(double x, int element, int group) {
      QuantArgs args = Schemes.parse(scheme).weights();
      boolean integers = args.kind() == QuantArgs.Kind.INT;
      double least = integers ? -Math.pow(2, args.bits() - 1) : -448;
      double most = integers ? -least - 1 : 448;
      double s = used.scales()[group];
      double z = used.zeroPoints().length == 0 ? 0 : used.zeroPoints()[group];
      double code = fake[element] / s + z;
      double position = x / s + z;
      double rounded = integers ? Math.rint((double) ((float) x / (float) s)) + z : position;
      boolean cut = integers ? rounded < least || rounded > most : Math.abs(position) >= 464;
      double moved = cut ? 0 : code - position;
      double h = STEP * s;
      return new double[] {
        (value(x + h, s, z, cut, code, moved) - value(x - h, s, z, cut, code, moved)) / (2 * h),
        (value(x, s + h, z, cut, code, moved) - value(x, s - h, z, cut, code, moved)) / (2 * h),
        (value(x, s, z + STEP, cut, code, moved) - value(x, s, z - STEP, cut, code, moved))
            / (2 * STEP)
      };
    }

    private static double value(
        double x, double s, double z, boolean cut, double code, double moved) {
      return ((cut ? code : x / s + z + moved) - z) * s;
    }
  }

  private static void assertAllClose(Tensor found, double[] expected) {
    float[] values = found.toFloats();
    assertThat(values).hasSize(expected.length);
    for (int i = 0; i < values.length; i++) {
      assertThat((double) values[i])
          .isCloseTo(expected[i], within(1e-4 * (1 + Math.abs(expected[i]))));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"W4A16(group_size=32)", "W4A16_ASYM(group_size=32)"})
  void stepSizesLearnMoreSlowlyTheMoreWeightsShareThem(String scheme) {
    List<float[]> plain = scaleGradients(scheme, FakeSettings.Ranges.LEARNED, Workers.CALLER);
    List<float[]> scaled = scaleGradients(scheme, FakeSettings.Ranges.LEARNED_STEP, Workers.CALLER);
    float factor = (float) (1 / Math.sqrt(32 * 7));
    for (int p = 0; p < plain.size(); p++) {
      for (int i = 0; i < plain.get(p).length; i++) {
        assertThat(scaled.get(p)[i]).isEqualTo(plain.get(p)[i] * factor);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"W4A16_ASYM(group_size=32)", "FP8_BLOCK", "FP8_DYNAMIC"})
  void gradientsDoNotDependOnThreads(String scheme) {
    List<float[]> serial = scaleGradients(scheme, FakeSettings.Ranges.LEARNED, Workers.CALLER);
    List<float[]> parallel = scaleGradients(scheme, FakeSettings.Ranges.LEARNED, FakeCase.PARALLEL);
    for (int p = 0; p < serial.size(); p++) {
      assertThat(parallel.get(p)).containsExactly(serial.get(p));
    }
  }

  private static List<float[]> scaleGradients(
      String scheme, FakeSettings.Ranges ranges, Workers workers) {
    SchemeFakes fakes =
        FakeCase.fakes(
            scheme, new FakeSettings(Numerics.COMPRESSED_TENSORS, DType.F32, ranges), workers);
    HostTensor w = FakeCase.tensor(N, K, FakeCase.weights(N, K, 7));
    WeightFake weight = fakes.weight("m", w).orElseThrow();
    weight.backward(w, FakeCase.tensor(N, K, FakeCase.weights(N, K, 8)));
    return weight.parameters().stream().map(p -> p.gradient().toFloats()).toList();
  }

  @Test
  void fusedLayersShareTheGlobalScaleOfNvfp4() {
    SchemeFakes fakes =
        FakeCase.fakes(
            "NVFP4A16", Numerics.COMPRESSED_TENSORS, DType.BF16, FakeSettings.Ranges.COMPUTED);
    HostTensor q = FakeCase.tensor(N, K, FakeCase.weights(N, K, 11));
    float[] larger = FakeCase.weights(N, K, 12);
    larger[5] = -40;
    HostTensor k = FakeCase.tensor(N, K, larger);
    WeightFake ofQ = fakes.weight("layers.0.q_proj", q).orElseThrow();
    fakes.weight("layers.0.k_proj", k);
    HostTensor fake = FakeCase.zeros(N, K);
    ofQ.forward(q, fake);
    QuantizeRequest request =
        FakeCase.request("NVFP4A16", Numerics.COMPRESSED_TENSORS, DType.BF16, N, K);
    byte[] source = FakeCase.bytes(q.toFloats(), DType.BF16);
    byte[] other = FakeCase.bytes(larger, DType.BF16);
    Optional<TensorRange> range =
        Optional.of(
            FakeCase.range(request, source).get().merge(FakeCase.range(request, other).get()));
    List<ByteBuffer> parts = FakeCase.parts(Quantizers.create(request, range), source, N);
    assertThat(sameNumbers(fake.toFloats(), FakeCase.loaded(request, parts))).isTrue();
  }

  /** A row of inputs is quantized like a row of weights, whatever the rows beside it. */
  @ParameterizedTest
  @CsvSource({
    "W8A8, W8A16(group_size=-1)",
    "8DA4W, 'W8A16(group_size=-1,symmetric=false)'",
    "FP8_DYNAMIC, FP8_DYNAMIC",
    "FP8_BLOCK, FP8_DYNAMIC(group_size=128)",
    "MXFP8, MXFP8A16",
    "MXFP4, MXFP4A16"
  })
  void inputsAreQuantizedByThemselves(String scheme, String sameForWeights) {
    SchemeFakes fakes =
        FakeCase.fakes(
            scheme, Numerics.COMPRESSED_TENSORS, DType.BF16, FakeSettings.Ranges.COMPUTED);
    HostTensor x = FakeCase.tensor(N, K, FakeCase.weights(N, K, 21));
    ActivationFake activation = fakes.activation("m", K).orElseThrow();
    HostTensor all = FakeCase.zeros(N, K);
    activation.forward(x, all);
    QuantizeRequest request =
        FakeCase.request(sameForWeights, Numerics.COMPRESSED_TENSORS, DType.F32, N, K);
    byte[] source = FakeCase.bytes(x.toFloats(), DType.F32);
    List<ByteBuffer> parts =
        FakeCase.parts(Quantizers.create(request, Optional.empty()), source, N);
    assertThat(sameNumbers(all.toFloats(), FakeCase.loaded(request, parts))).isTrue();
    HostTensor some = FakeCase.zeros(9, K);
    activation.forward(x.slice(70, 79), some);
    assertThat(some.toFloats()).containsExactly(all.slice(70, 79).toFloats());
  }

  @ParameterizedTest
  @ValueSource(strings = {"FP8", "NVFP4"})
  void storedScalesOfInputsNeedTheirRange(String scheme) {
    SchemeFakes fakes =
        FakeCase.fakes(
            scheme, Numerics.COMPRESSED_TENSORS, DType.BF16, FakeSettings.Ranges.COMPUTED);
    assertThatThrownBy(() -> fakes.activation("m", K))
        .isInstanceOf(QuantException.class)
        .hasMessageContaining("m: scheme " + scheme)
        .hasMessageContaining("calibrate first");
    HostTensor x = FakeCase.tensor(2, K, FakeCase.weights(4, K, 21));
    x.array()[x.offset() + 3] = 3.5f;
    HostTensor fake = FakeCase.zeros(2, K);
    ActivationFake activation = fakes.activation("calibrated", K).orElseThrow();
    activation.forward(x, fake);
    HostTensor gradient = FakeCase.tensor(2, K, FakeCase.weights(4, K, 22));
    float[] before = gradient.toFloats();
    activation.backward(x, gradient);
    // 3.5 lies above the range of 3, so it is cut off and has no gradient.
    assertThat(fake.toFloats()[3]).isCloseTo(3, within(1e-6f));
    before[3] = 0;
    assertThat(gradient.toFloats()).containsExactly(before);
  }

  @Test
  void shapesThatDoNotFitAreRefusedByName() {
    SchemeFakes fakes =
        FakeCase.fakes(
            "W4A16", Numerics.COMPRESSED_TENSORS, DType.BF16, FakeSettings.Ranges.COMPUTED);
    assertThatThrownBy(() -> fakes.weight("layers.1.o_proj", FakeCase.zeros(4, 100)))
        .isInstanceOf(QuantException.class)
        .hasMessageContaining("layers.1.o_proj: row length 100");
  }

  /** Equal, whatever the sign of zero: integer codes have none. */
  private static boolean sameNumbers(float[] a, float[] b) {
    for (int i = 0; i < a.length; i++) {
      if (!(a[i] == b[i])) {
        return false;
      }
    }
    return a.length == b.length;
  }
}
