package org.sparkao.quant.algorithm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.metric.TensorStatistics;
import org.sparkao.quant.observe.TensorRange;
import org.sparkao.quant.pack.PackedPart;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.scheme.CheckpointLayout;
import org.sparkao.quant.scheme.Numerics;
import org.sparkao.quant.scheme.Schemes;

/** The vector loops against the plain ones: every byte, every sum, whatever the slices. */
class TestVectorKernels {
  private static final int ROWS = 67;

  /** What a quantizer gave. */
  record Result(List<byte[]> parts, TensorStatistics statistics) {}

  static List<String> schemes() {
    List<String> names = new ArrayList<>();
    Schemes.all().forEach(scheme -> names.add(scheme.name()));
    names.addAll(
        List.of(
            "deepseek:FP8_BLOCK",
            "W4A16(group_size=8)",
            "W4A16_ASYM(group_size=20)",
            "W3A16(group_size=40, symmetric=false)",
            "W8A16(granularity=tensor)",
            "W8A8(symmetric=false)",
            "W4A16_ASYM(granularity=row)",
            "W8A16(granularity=block)",
            "FP8_DYNAMIC(group_size=40)",
            "torchao:W8A8",
            "torchao:W4A16(group_size=32)",
            "torchao:W4A16_ASYM(group_size=64)",
            "torchao:FP8_DYNAMIC"));
    return names;
  }

  @ParameterizedTest
  @MethodSource("schemes")
  void equalThePlainLoops(String scheme) {
    for (DType dtype : new DType[] {DType.BF16, DType.F16, DType.F32}) {
      for (int columns : new int[] {640, 1280 + 640}) {
        byte[] weights = weights(dtype, columns);
        QuantizeRequest request = request(scheme, dtype, columns);
        Result plain = run(request, new PlainKernels(), weights, ROWS);
        Result vector = run(request, new VectorKernels(), weights, ROWS);
        assertSame(scheme + " " + dtype + " " + columns, vector, plain);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"W8A8", "FP8_DYNAMIC", "W8A8(symmetric=false)"})
  void equalThePlainLoopsAtTheEndOfOddRows(String scheme) {
    for (DType dtype : new DType[] {DType.BF16, DType.F16, DType.F32}) {
      for (int columns = 1; columns < 20; columns++) {
        byte[] weights = weights(dtype, columns);
        QuantizeRequest request = request(scheme, dtype, columns);
        Result plain = run(request, new PlainKernels(), weights, ROWS);
        assertSame(scheme, run(request, new VectorKernels(), weights, ROWS), plain);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("schemes")
  void slicesDoNotMatter(String scheme) {
    byte[] weights = weights(DType.BF16, 640);
    QuantizeRequest request = request(scheme, DType.BF16, 640);
    Result whole = run(request, new VectorKernels(), weights, ROWS);
    int multiple =
        QuantizerAssembly.create(
                request, RangeChoice.of(range(weights, DType.BF16)), new PlainKernels())
            .sliceRowMultiple();
    assertSame(scheme, run(request, new VectorKernels(), weights, multiple), whole);
  }

  @Test
  void rangesEqualThePlainLoop() {
    for (DType dtype : new DType[] {DType.BF16, DType.F16, DType.F32}) {
      byte[] weights = weights(dtype, 640);
      int rowBytes = 640 * dtype.bits() / 8;
      WeightType type = WeightTypes.of(dtype);
      for (int row = 0; row < ROWS; row++) {
        GroupRange plain = new GroupRange();
        GroupRange vector = new GroupRange();
        new PlainKernels().range(type).extend(weights, row * rowBytes, 633, plain);
        new VectorKernels().range(type).extend(weights, row * rowBytes, 633, vector);
        assertThat(vector.min).isEqualTo(plain.min);
        assertThat(vector.max).isEqualTo(plain.max);
        assertThat(vector.nonFinite).isEqualTo(plain.nonFinite);
      }
    }
  }

  @Test
  void areWhatTheTestsRun() {
    assumeTrue(VectorKernels.supported(), "no vectors of 256 bits here, such as on ARM");
    assertThat(Quantizers.kernels()).isEqualTo("vector-256");
  }

  private static void assertSame(String what, Result actual, Result expected) {
    for (int i = 0; i < expected.parts().size(); i++) {
      assertThat(actual.parts().get(i))
          .as("%s, part %d", what, i)
          .isEqualTo(expected.parts().get(i));
    }
    assertThat(actual.statistics()).as(what).isEqualTo(expected.statistics());
  }

  /** The loop of GPTQ: rows side by side, each under its own scale. */
  @ParameterizedTest
  @ValueSource(strings = {"W4A16", "W4A16_ASYM", "W8A8", "FP8_DYNAMIC", "NVFP4A16", "MXFP4A16"})
  void columnsEqualThePlainLoop(String scheme) {
    for (WeightType type : WeightType.values()) {
      CodeRule codes = CodeRule.of(Schemes.parse(scheme).weights());
      ColumnRounding plain = new PlainKernels().roundColumns(type, codes);
      ColumnRounding vector = new VectorKernels().roundColumns(type, codes);
      Random random = new Random(9);
      int count = 512;
      WeightGrid.GridScales scales = new WeightGrid.GridScales();
      scales.operand = new float[count];
      scales.dequantize = new float[count];
      scales.zeroPoint = new float[count];
      float[] weights = new float[count];
      for (int i = 0; i < count; i++) {
        scales.operand[i] = type.round(0.01f + random.nextFloat());
        scales.dequantize[i] = scales.operand[i];
        scales.zeroPoint[i] = codes.integer() ? random.nextInt(15) - 8 : 0;
        weights[i] = (float) (20 * random.nextGaussian() * random.nextFloat());
      }
      weights[3] = 0;
      weights[4] = -0.0f;
      WeightGrid.Rounded expected = rounded(count);
      WeightGrid.Rounded actual = rounded(count);
      assertThat(vector.round(weights, count, scales, 0, actual))
          .isEqualTo(plain.round(weights, count, scales, 0, expected));
      assertThat(actual.steps).isEqualTo(expected.steps);
      assertThat(actual.values).isEqualTo(expected.values);
    }
  }

  private static WeightGrid.Rounded rounded(int count) {
    WeightGrid.Rounded rounded = new WeightGrid.Rounded();
    rounded.values = new float[count];
    rounded.steps = new float[count];
    return rounded;
  }

  private static Result run(
      QuantizeRequest request, GroupKernels kernels, byte[] weights, int sliceRows) {
    Optional<TensorRange> range = range(weights, request.weight().dtype());
    TensorQuantizer quantizer = QuantizerAssembly.create(request, RangeChoice.of(range), kernels);
    List<PackedPart> parts = quantizer.parts();
    List<byte[]> whole = new ArrayList<>();
    parts.forEach(part -> whole.add(new byte[(int) part.bytes()]));
    int rowBytes = (int) request.weight().rowBytes();
    for (int row = 0; row < ROWS; row += sliceRows) {
      int rows = Math.min(sliceRows, ROWS - row);
      byte[][] out = new byte[parts.size()][];
      for (int i = 0; i < out.length; i++) {
        out[i] = new byte[(int) (parts.get(i).offset(row + rows) - parts.get(i).offset(row))];
      }
      quantizer.quantize(weights, row * rowBytes, row, rows, out);
      for (int i = 0; i < out.length; i++) {
        int at = (int) parts.get(i).offset(row);
        System.arraycopy(out[i], 0, whole.get(i), at, out[i].length);
      }
    }
    return new Result(whole, quantizer.statistics());
  }

  private static Optional<TensorRange> range(byte[] weights, DType dtype) {
    GroupRange range = new GroupRange();
    int count = weights.length * 8 / dtype.bits();
    new PlainKernels().range(WeightTypes.of(dtype)).extend(weights, 0, count, range);
    return Optional.of(new TensorRange(range.min, range.max));
  }

  private static QuantizeRequest request(String scheme, DType dtype, int columns) {
    boolean deepSeek = scheme.startsWith("deepseek:");
    return new QuantizeRequest(
        Schemes.parse(scheme.substring(scheme.indexOf(':') + 1)),
        deepSeek ? CheckpointLayout.DEEPSEEK : CheckpointLayout.COMPRESSED_TENSORS,
        scheme.startsWith("torchao:") ? Numerics.TORCHAO : Numerics.COMPRESSED_TENSORS,
        WeightAlgorithm.RTN,
        new WeightSpec(ROWS, columns, dtype));
  }

  /**
   * Rows of ordinary weights, and one row each of: zeros of both signs, one sign only, NaN and
   * infinities among others, nothing but NaN, very large, very small and subnormal, any bits.
   */
  private static byte[] weights(DType dtype, int columns) {
    Random random = new Random(columns * 31L + dtype.ordinal());
    WeightType type = WeightTypes.of(dtype);
    byte[] weights = new byte[ROWS * columns * type.bytes()];
    for (int row = 0; row < ROWS; row++) {
      for (int j = 0; j < columns; j++) {
        float normal = (float) random.nextGaussian();
        float value =
            switch (row) {
              case 1 -> j % 2 == 0 ? 0f : -0f;
              case 2 -> Math.abs(normal);
              case 3 -> j % 50 == 7 ? Float.NaN : j % 50 == 20 ? Float.NEGATIVE_INFINITY : normal;
              case 4 -> Float.NaN;
              case 5 -> normal * (dtype == DType.F16 ? 2e4f : 1e38f);
              case 6 -> normal * (dtype == DType.F16 ? 1e-7f : 1e-39f);
              case 7 -> Float.intBitsToFloat(random.nextInt());
              case 8 -> normal * (dtype == DType.F16 ? 3e-5f : 1e-12f);
              default -> normal * 0.02f * (random.nextInt(500) == 0 ? 40 : 1);
            };
        type.write(type.round(value), weights, (row * columns + j) * type.bytes());
      }
    }
    return weights;
  }
}
