package org.sparkao.quant.calibrated;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.algorithm.Quantizers;
import org.sparkao.quant.algorithm.RangeChoice;
import org.sparkao.quant.algorithm.TensorQuantizer;
import org.sparkao.quant.algorithm.WeightAlgorithm;
import org.sparkao.quant.algorithm.WeightSpec;
import org.sparkao.quant.calibrated.Gptq.GptqQuantizer;
import org.sparkao.quant.calibrated.Gptq.Prepared;
import org.sparkao.quant.dense.GramProduct;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.observe.TensorRange;
import org.sparkao.quant.pack.PackedPart;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.scheme.CheckpointLayout;
import org.sparkao.quant.scheme.Numerics;
import org.sparkao.quant.scheme.Schemes;

/** What GPTQ promises of itself. */
class TestCpuGptq {
  private static final int N = 200;
  private static final int K = 256;

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "W4A16 | NONE",
        "W4A16_ASYM(group_size=32) | STATIC",
        "W3A16(symmetric=false, group_size=64) | GROUP",
        "W8A8 | STATIC",
        "FP8_DYNAMIC | NONE",
        "FP8_BLOCK | STATIC",
        "NVFP4A16 | STATIC",
        "MXFP4A16 | NONE",
      })
  void slicesEqualTheWhole(String scheme, ActOrder order) {
    byte[] weights = weights(DType.BF16);
    List<byte[]> whole = run(scheme, order, weights, N);
    assertSame(run(scheme, order, weights, 1), whole);
    assertSame(run(scheme, order, weights, 70), whole);
  }

  /** Without a factor errors are not passed on: fp32 weights become what round to nearest says. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "W4A16",
        "W4A16_ASYM(group_size=32)",
        "W8A8",
        "FP8_DYNAMIC",
        "FP8_BLOCK",
        "NVFP4A16",
        "MXFP4A16",
      })
  void roundsToNearestWithoutFactor(String scheme) {
    byte[] weights = weights(DType.F32);
    GptqQuantizer plain =
        new CpuGptq()
            .quantizer(request(scheme, DType.F32), ranges(weights, DType.F32), withoutFactor());
    TensorQuantizer nearest =
        Quantizers.create(request(scheme, DType.F32), ranges(weights, DType.F32));
    assertSame(run(plain, weights, N), run(nearest, weights, N));
    assertThat(plain.statistics()).isEqualTo(nearest.statistics());
    assertThat(plain.loss()).isZero();
  }

  @ParameterizedTest
  @CsvSource({"NONE", "STATIC"})
  void outputsCloserThanByRoundingToNearest(ActOrder order) {
    byte[] weights = weights(DType.F32);
    QuantizeRequest request = request("W8A8", DType.F32);
    OutputError error = new OutputError(SecondMoments.of(moments(), K));
    CpuGptq gptq = new CpuGptq();
    try (Prepared prepared = prepare(gptq, order)) {
      GptqQuantizer made = gptq.quantizer(request, ranges(weights, DType.F32), prepared);
      double ofGptq = error.of(change(weights, run(made, weights, N)), N);
      TensorQuantizer nearest = Quantizers.create(request, ranges(weights, DType.F32));
      double ofNearest = error.of(change(weights, run(nearest, weights, N)), N);
      assertThat(ofGptq).isPositive().isLessThan(0.7 * ofNearest);
    }
  }

  @Test
  void rowsThatAreNoNumbersAreRoundedToNearest() {
    byte[] weights = weights(DType.F32);
    byte[] clean = run("W4A16", ActOrder.NONE, weights, N).get(0);
    WeightType.F32.write(Float.NaN, weights, 4 * (5 * K + 3));
    TensorQuantizer nearest =
        Quantizers.create(request("W4A16", DType.F32), ranges(weights, DType.F32));
    byte[] plain = run(nearest, weights, N).get(0);
    CpuGptq gptq = new CpuGptq();
    try (Prepared prepared = prepare(gptq, ActOrder.NONE)) {
      GptqQuantizer made =
          gptq.quantizer(request("W4A16", DType.F32), ranges(weights, DType.F32), prepared);
      byte[] codes = run(made, weights, N).get(0);
      assertThat(made.rowsRoundedToNearest()).isEqualTo(1);
      assertThat(made.statistics().nonFinite()).isEqualTo(1);
      assertThat(made.loss()).isFinite();
      for (int row = 0; row < N; row++) {
        int begin = row * K / 2;
        assertThat(Arrays.copyOfRange(codes, begin, begin + K / 2))
            .as("row %d", row)
            .isEqualTo(Arrays.copyOfRange(row == 5 ? plain : clean, begin, begin + K / 2));
      }
    }
  }

  @Test
  void weightsOfInputsThatAreAlwaysZeroBecomeZero() {
    float[] h = moments();
    for (int j = 0; j < K; j++) {
      h[7 * K + j] = 0;
      h[j * K + 7] = 0;
    }
    CpuGptq gptq = new CpuGptq();
    try (Prepared prepared =
        gptq.prepare(SecondMoments.of(h, K), new GptqOptions(ActOrder.STATIC, 0.01))) {
      assertThat(prepared.report().deadColumns()).isEqualTo(1);
      byte[] weights = weights(DType.F32);
      byte[] codes =
          run(
                  gptq.quantizer(request("W8A8", DType.F32), ranges(weights, DType.F32), prepared),
                  weights,
                  N)
              .get(0);
      for (int row = 0; row < N; row++) {
        assertThat(codes[row * K + 7]).isZero();
      }
    }
  }

  @Test
  void dampingGrowsUntilThereIsAFactor() {
    // Two inputs whose product rounding made larger than their squares.
    SecondMoments inputs = new SecondMoments(2, (i, j) -> i == j ? 1 : 1.05f);
    try (Prepared prepared = new CpuGptq().prepare(inputs, new GptqOptions(ActOrder.NONE, 0.01))) {
      assertThat(prepared.report()).isEqualTo(new GptqReport(0.1, 0, false));
    }
  }

  @Test
  void momentsThatHaveNoFactorAreReported() {
    assertThat(withoutFactor().report()).isEqualTo(new GptqReport(1, 0, true));
  }

  @Test
  void momentsOfAnotherWeight() {
    SecondMoments inputs = new SecondMoments(16, (i, j) -> i == j ? 1 : 0);
    try (Prepared prepared = new CpuGptq().prepare(inputs, new GptqOptions(ActOrder.NONE, 0.01))) {
      RangeChoice ranges = ranges(weights(DType.F32), DType.F32);
      QuantizeRequest request = request("W4A16", DType.F32);
      assertThatThrownBy(() -> new CpuGptq().quantizer(request, ranges, prepared))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("second moments of 16 inputs for a weight of 256 columns");
    }
  }

  private static Prepared withoutFactor() {
    SecondMoments none = new SecondMoments(K, (i, j) -> i == j ? -1 : 0);
    return new CpuGptq().prepare(none, new GptqOptions(ActOrder.NONE, 0.01));
  }

  private static Prepared prepare(CpuGptq gptq, ActOrder order) {
    return gptq.prepare(SecondMoments.of(moments(), K), new GptqOptions(order, 0.01));
  }

  private static List<byte[]> run(String scheme, ActOrder order, byte[] weights, int sliceRows) {
    DType type = weights.length == 2 * N * K ? DType.BF16 : DType.F32;
    CpuGptq gptq = new CpuGptq();
    try (Prepared prepared = prepare(gptq, order)) {
      return run(
          gptq.quantizer(request(scheme, type), ranges(weights, type), prepared),
          weights,
          sliceRows);
    }
  }

  private static List<byte[]> run(TensorQuantizer quantizer, byte[] weights, int sliceRows) {
    List<PackedPart> parts = quantizer.parts();
    List<byte[]> whole = new ArrayList<>();
    parts.forEach(part -> whole.add(new byte[(int) part.bytes()]));
    int rowBytes = weights.length / N;
    int multiple = quantizer.sliceRowMultiple();
    int step = (sliceRows + multiple - 1) / multiple * multiple;
    for (int row = 0; row < N; row += step) {
      int end = Math.min(N, row + step);
      byte[][] out = new byte[parts.size()][];
      for (int i = 0; i < out.length; i++) {
        out[i] = new byte[(int) (parts.get(i).offset(end) - parts.get(i).offset(row))];
      }
      quantizer.quantize(weights, row * rowBytes, row, end - row, out);
      for (int i = 0; i < out.length; i++) {
        int at = (int) parts.get(i).offset(row);
        System.arraycopy(out[i], 0, whole.get(i), at, out[i].length);
      }
    }
    return whole;
  }

  private static void assertSame(List<byte[]> actual, List<byte[]> expected) {
    assertThat(actual).hasSameSizeAs(expected);
    for (int i = 0; i < expected.size(); i++) {
      assertThat(actual.get(i)).as("part %d", i).isEqualTo(expected.get(i));
    }
  }

  /** What the codes of a row each, and its scale, are off the weights. */
  private static float[] change(byte[] weights, List<byte[]> parts) {
    float[] change = new float[N * K];
    for (int i = 0; i < change.length; i++) {
      float scale = WeightType.F32.read(parts.get(1), 4 * (i / K));
      change[i] = parts.get(0)[i] * scale - WeightType.F32.read(weights, 4 * i);
    }
    return change;
  }

  private static QuantizeRequest request(String scheme, DType type) {
    return new QuantizeRequest(
        Schemes.parse(scheme),
        CheckpointLayout.COMPRESSED_TENSORS,
        Numerics.COMPRESSED_TENSORS,
        WeightAlgorithm.RTN,
        new WeightSpec(N, K, type));
  }

  private static RangeChoice ranges(byte[] weights, DType type) {
    TensorRange range = Quantizers.range(weights, 0, N * K, type);
    return RangeChoice.of(Optional.of(range));
  }

  private static byte[] weights(DType type) {
    Random random = new Random(3);
    int bytes = type == DType.F32 ? 4 : 2;
    byte[] weights = new byte[N * K * bytes];
    for (int i = 0; i < N * K; i++) {
      float value = (float) (0.02 * random.nextGaussian());
      if (type == DType.F32) {
        WeightType.F32.write(value, weights, 4 * i);
      } else {
        WeightType.BF16.write(WeightType.BF16.round(value), weights, 2 * i);
      }
    }
    return weights;
  }

  /** Of 700 inputs that are mixtures of 60 numbers, and a little of their own. */
  private static float[] moments() {
    Random random = new Random(4);
    int hidden = 60;
    int tokens = 700;
    float[] mix = new float[hidden * K];
    for (int i = 0; i < mix.length; i++) {
      mix[i] = (float) random.nextGaussian();
    }
    float[] x = new float[tokens * K];
    for (int t = 0; t < tokens; t++) {
      for (int p = 0; p < hidden; p++) {
        float value = (float) random.nextGaussian();
        for (int j = 0; j < K; j++) {
          x[t * K + j] += value * mix[p * K + j];
        }
      }
      for (int j = 0; j < K; j++) {
        x[t * K + j] += (float) random.nextGaussian();
      }
    }
    float[] h = new float[K * K];
    GramProduct product = new GramProduct(K);
    product.add(x, 0, tokens, h, GramProduct.Pieces.IN_ORDER);
    product.mirror(h, GramProduct.Pieces.IN_ORDER);
    return h;
  }
}
