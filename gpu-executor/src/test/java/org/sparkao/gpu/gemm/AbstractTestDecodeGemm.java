package org.sparkao.gpu.gemm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.sparkao.gpu.device.Buffer;

/** Products of few rows on any device, against plain loops over doubles. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class AbstractTestDecodeGemm {
  GemmDevice device;
  DecodeGemm decode;

  abstract GemmDevice open();

  abstract DecodeGemm decode(GemmDevice on);

  /** Rows that products are tried with, of {@link #allRows()}. */
  abstract int[] rows();

  private int allRows() {
    return Arrays.stream(rows()).max().orElseThrow();
  }

  @BeforeAll
  void begin() {
    device = open();
    decode = decode(device);
  }

  @AfterAll
  void end() {
    device.close();
  }

  @ParameterizedTest
  @MethodSource("org.sparkao.gpu.gemm.GemmCases#decode")
  void multipliesAsDoublesDo(Gemm gemm) {
    GemmData data = new GemmData(gemm, allRows(), gemm.name().hashCode());
    try (GemmOnDevice operands = new GemmOnDevice(device, gemm, data);
        GemmWeights weights = prepare(decode, operands, gemm)) {
      byte[] all = multiply(operands, weights, allRows(), 0);
      GemmTolerance.assertWithin(
          GemmTolerance.decode(gemm), GemmData.decode(gemm.output(), all), data.product(false));
      for (int m : rows()) {
        int first = m * 5 % (allRows() - m + 1);
        byte[] some = multiply(operands, weights, m, first);
        assertThat(some).as("m = %d from row %d", m, first).isEqualTo(operands.rows(all, m, first));
        assertThat(multiply(operands, weights, m, first)).as("again").isEqualTo(some);
      }
    }
  }

  @Test
  void addsToTheResidualInPlace() {
    Gemm gemm =
        Gemm.of("o_proj", 208, 272, DenseOperands.fp8(Scaling.ROW, Scaling.ROW), ElementType.BF16)
            .with(Gemm.Step.RESIDUAL);
    GemmData data = new GemmData(gemm, 17, 1);
    try (GemmOnDevice operands = new GemmOnDevice(device, gemm, data);
        GemmWeights weights = prepare(decode, operands, gemm)) {
      byte[] apart = multiply(operands, weights, 17, 0);
      Buffer y = device.bytes(data.residual.orElseThrow().bytes());
      GemmCall call = operands.call(17, 0, y);
      decode.multiply(weights, new GemmCall(17, call.x(), call.scalesOfX(), Optional.of(y), y));
      assertThat(device.read(y)).isEqualTo(apart);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"E4M3", "E5M2", "INT8"})
  void readsEveryCodeOfX(ElementType type) {
    ElementType w = type == ElementType.INT8 ? type : ElementType.E4M3;
    DenseOperands operands = new DenseOperands(type, w, Scaling.NONE, Scaling.NONE);
    byte[] one = GemmData.encode(w, new float[] {1}).bytes();
    assertThat(products(operands, codes(type), identity(one[0]))).isEqualTo(decoded(type));
  }

  @ParameterizedTest
  @EnumSource(names = {"E4M3", "INT8"})
  void readsEveryCodeOfW(ElementType type) {
    DenseOperands operands = new DenseOperands(type, type, Scaling.NONE, Scaling.NONE);
    byte[] one = GemmData.encode(type, new float[] {1}).bytes();
    byte[] x = new byte[256];
    x[0] = one[0];
    byte[] w = new byte[256 * 256];
    byte[] codes = codes(type);
    for (int row = 0; row < 256; row++) {
      w[256 * row] = codes[row];
    }
    assertThat(products(operands, x, w)).isEqualTo(decoded(type));
  }

  @Test
  void preparedWeightsAreTheirOwn() {
    Gemm gemm =
        Gemm.of("w", 48, 80, DenseOperands.int8(Scaling.ROW, Scaling.ROW), ElementType.FP32)
            .with(Gemm.Step.BIAS);
    GemmData data = new GemmData(gemm, 3, 7);
    try (GemmOnDevice operands = new GemmOnDevice(device, gemm, data)) {
      WeightMatrix matrix = operands.matrix(0);
      long before = device.device().budget().inUse();
      GemmWeights weights = decode.prepare(gemm, matrix);
      assertThat(weights.gemm()).isEqualTo(gemm);
      assertThat(weights.bytes()).isGreaterThanOrEqualTo(48 * 80 + 4 * 48 + 4 * 48);
      GemmOnDevice.close(matrix);
      GemmTolerance.assertWithin(
          GemmTolerance.decode(gemm),
          GemmData.decode(ElementType.FP32, multiply(operands, weights, 3, 0)),
          data.product(false));
      weights.close();
      weights.close();
      assertThat(device.device().budget().inUse()).isLessThan(before);
    }
  }

  @Test
  void refusesMoreRowsThanItTakes() {
    Gemm gemm =
        Gemm.of("model.layers.3.mlp.up_proj", 16, 16, DenseOperands.bf16(), ElementType.BF16);
    try (GemmWeights weights = decode.prepare(gemm, WeightMatrix.of(device.bytes(new byte[512])))) {
      Buffer large = device.bytes(new byte[129 * 32]);
      assertThatThrownBy(() -> decode.multiply(weights, GemmCall.of(129, large, large)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "model.layers.3.mlp.up_proj: 129 rows of activations, and decode takes 1 to 128;"
                  + " split them, or use the prefill kernels for the whole operation");
      assertThatThrownBy(() -> decode.multiply(weights, GemmCall.of(0, large, large)))
          .hasMessage("model.layers.3.mlp.up_proj: 0 rows of activations; leave the product out");
      assertThatThrownBy(() -> decode.multiply(weights, GemmCall.of(4, large.slice(0, 120), large)))
          .hasMessage(
              "model.layers.3.mlp.up_proj: x needs 128 bytes, and the buffer has 120 bytes; look at"
                  + " the shape, the types and the number of rows");
      Buffer unaligned = large.slice(8, 4096);
      assertThatThrownBy(() -> decode.multiply(weights, GemmCall.of(1, unaligned, large)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageMatching(
              "model.layers.3.mlp.up_proj: x begins at address [0-9]+, and addresses are multiples"
                  + " of 16; slice the buffer there, or copy");
      assertThatThrownBy(() -> decode.multiply(weights, GemmCall.of(1, large, unaligned)))
          .hasMessageContaining("up_proj: y begins at");
      assertThatThrownBy(
              () -> decode.multiply(weights, GemmCall.of(1, large, large).plus(unaligned)))
          .hasMessageContaining("up_proj: residual begins at");
      assertThatThrownBy(
              () -> decode.multiply(weights, GemmCall.of(1, large, large.slice(2, 4096), large)))
          .hasMessageContaining("up_proj: scales of x begins at");
      assertThatThrownBy(() -> decode.multiply(weights, GemmCall.of(1, large, large, large)))
          .hasMessageContaining("scales of x given, and the product has none");
    }
  }

  @Test
  void refusesWhatKernelsLack() {
    Gemm gemm =
        Gemm.of(
            "down_proj",
            16,
            32,
            new Int4Operands(ElementType.BF16, 32, Int4Operands.ZeroPoints.NONE),
            ElementType.BF16);
    WeightMatrix none = WeightMatrix.of(device.bytes(new byte[256]), device.bytes(new byte[32]));
    assertThatThrownBy(() -> decode.prepareGated(gemm, none, none))
        .hasMessageContaining("a second matrix, up, given, and the product has none");
    assertThatThrownBy(() -> decode.prepare(gemm.with(Gemm.Step.BIAS), none))
        .hasMessageContaining("bias missing");
    assertThatThrownBy(() -> decode.prepare(gemm, WeightMatrix.of(none.codes())))
        .hasMessageContaining("scales missing");
  }

  static GemmWeights prepare(DecodeGemm decode, GemmOnDevice operands, Gemm gemm) {
    WeightMatrix first = operands.matrix(0);
    if (!gemm.steps().contains(Gemm.Step.SILU_GATE)) {
      GemmWeights weights = decode.prepare(gemm, first);
      GemmOnDevice.close(first);
      return weights;
    }
    WeightMatrix up = operands.matrix(1);
    GemmWeights weights = decode.prepareGated(gemm, first, up);
    GemmOnDevice.close(first);
    GemmOnDevice.close(up);
    return weights;
  }

  private byte[] multiply(GemmOnDevice operands, GemmWeights weights, int m, int first) {
    try (GemmDevice.Guarded y = device.guarded(weights.gemm().bytesOfY(m))) {
      decode.multiply(weights, operands.call(m, first, y.buffer()));
      return y.read();
    }
  }

  /** One row of 256 columns, fp32. */
  private double[] products(DenseOperands operands, byte[] x, byte[] w) {
    Gemm gemm = Gemm.of("codes", 256, 256, operands, ElementType.FP32);
    try (GemmWeights weights = decode.prepare(gemm, WeightMatrix.of(device.bytes(w)));
        GemmDevice.Guarded y = device.guarded(gemm.bytesOfY(1))) {
      decode.multiply(weights, GemmCall.of(1, device.bytes(x), y.buffer()));
      return GemmData.decode(ElementType.FP32, y.read());
    }
  }

  /** All codes, those that are no number as 0. */
  private static byte[] codes(ElementType type) {
    byte[] codes = new byte[256];
    for (int code = 0; code < codes.length; code++) {
      codes[code] = Float.isFinite(type.decode(code)) ? (byte) code : 0;
    }
    return codes;
  }

  /** A sum begins at +0, so that -0 becomes it. */
  private static double[] decoded(ElementType type) {
    double[] values = GemmData.decode(type, codes(type));
    for (int i = 0; i < values.length; i++) {
      values[i] += 0.0;
    }
    return values;
  }

  private static byte[] identity(byte one) {
    byte[] w = new byte[256 * 256];
    for (int row = 0; row < 256; row++) {
      w[257 * row] = one;
    }
    return w;
  }
}
