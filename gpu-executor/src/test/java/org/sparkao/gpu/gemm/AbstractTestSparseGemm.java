package org.sparkao.gpu.gemm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.sparkao.gpu.device.Buffer;

/** Products with 2:4 weights on any device, against plain loops over doubles. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class AbstractTestSparseGemm {
  private static final int[][] SHAPES = {{16, 16}, {48, 80}, {208, 272}, {528, 1040}, {272, 2064}};

  GemmDevice device;
  PrefillGemm sparse;

  abstract GemmDevice open();

  abstract PrefillGemm sparse(GemmDevice on);

  /** Rows that products are tried with, of the largest. */
  abstract int[] rows();

  @BeforeAll
  void begin() {
    device = open();
    sparse = sparse(device);
  }

  @AfterAll
  void end() {
    device.close();
  }

  /** All operands, with and without bias, over shapes that no tile divides, in every output. */
  static Stream<Gemm> products() {
    List<DenseOperands> operands = new ArrayList<>();
    operands.add(DenseOperands.bf16());
    for (Scaling x : List.of(Scaling.NONE, Scaling.TENSOR, Scaling.ROW)) {
      for (Scaling w : List.of(Scaling.NONE, Scaling.TENSOR, Scaling.ROW)) {
        operands.add(DenseOperands.fp8(x, w));
      }
    }
    ElementType[] outputs = {ElementType.BF16, ElementType.FP16, ElementType.FP32};
    List<Gemm> all = new ArrayList<>();
    for (DenseOperands each : operands) {
      for (int i = 0; i < 2; i++) {
        int[] shape = SHAPES[all.size() % SHAPES.length];
        ElementType output = outputs[all.size() / 2 % outputs.length];
        Gemm gemm = Gemm.of("case" + all.size(), shape[0], shape[1], each, output);
        all.add(i == 0 ? gemm : gemm.with(Gemm.Step.BIAS));
      }
    }
    return all.stream();
  }

  @ParameterizedTest
  @MethodSource("products")
  void multipliesAsDoublesDo(Gemm gemm) {
    int most = Arrays.stream(rows()).max().orElseThrow();
    GemmData data = data(gemm, most);
    try (GemmOnDevice operands = new GemmOnDevice(device, gemm, data);
        GemmWeights weights = prepare(operands, gemm)) {
      byte[] all = multiply(operands, weights, most, 0);
      GemmTolerance.assertWithin(
          GemmTolerance.prefill(gemm), GemmData.decode(gemm.output(), all), data.product(false));
      for (int m : rows()) {
        int first = m * 5 % (most - m + 1);
        byte[] some = multiply(operands, weights, m, first);
        assertThat(some).as("m = %d from row %d", m, first).isEqualTo(operands.rows(all, m, first));
        assertThat(multiply(operands, weights, m, first)).as("again").isEqualTo(some);
      }
    }
  }

  @Test
  void refusesWeightsThatAreNotSparse() {
    Gemm gemm = Gemm.of("down_proj", 160, 272, DenseOperands.bf16(), ElementType.BF16);
    GemmData data = data(gemm, 1);
    byte[] codes = data.matrices.get(0).codes().bytes();
    int last = (159 * 272 + 268) * 2;
    Arrays.fill(codes, last, last + 6, (byte) 0x3F);
    WeightMatrix matrix = WeightMatrix.of(device.bytes(codes));
    assertThatThrownBy(() -> sparse.prepare(gemm, matrix))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "down_proj: row 159 has more than two numbers that are not zero in columns 268 to 271;"
                + " prune it with --sparsity 2:4, or multiply it as a dense weight");
    Arrays.fill(codes, 2 * (130 * 272 + 4), 2 * (130 * 272 + 8), (byte) 0x3F);
    WeightMatrix earlier = WeightMatrix.of(device.bytes(codes));
    assertThatThrownBy(() -> sparse.prepare(gemm, earlier))
        .hasMessageContaining(
            "row 130 has more than two numbers that are not zero in columns 4 to");
  }

  @Test
  void refusesWhatKernelsLack() {
    WeightMatrix none = WeightMatrix.of(device.bytes(new byte[512]));
    Gemm gemm = Gemm.of("w", 16, 16, DenseOperands.bf16(), ElementType.BF16);
    assertThatThrownBy(() -> sparse.prepareGated(gemm.with(Gemm.Step.SILU_GATE), none, none))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "w [16, 16] bf16 x bf16, scales NONE x NONE, [SILU_GATE]: the 2:4 kernels have no gate;"
                + " multiply gate and up as one weight without the step, and combine them with"
                + " SwiGlu");
    assertThatThrownBy(() -> sparse.prepare(gemm.with(Gemm.Step.RESIDUAL), none))
        .hasMessageContaining("the 2:4 kernels have no residual; leave the step out");
    refused(
        DenseOperands.fp8(Scaling.BLOCK, Scaling.BLOCK), "scales of blocks; use scales of rows");
    refused(DenseOperands.int8(Scaling.ROW, Scaling.ROW), "INT8 activations; multiply the weight");
    refused(
        new Int4Operands(ElementType.BF16, Int4Operands.ROW, Int4Operands.ZeroPoints.NONE),
        "int4 weights; multiply the weight as a dense one");
  }

  private void refused(Operands operands, String message) {
    Gemm gemm = Gemm.of("w", 16, 32, operands, ElementType.BF16);
    assertThatThrownBy(() -> PrefillGemm.checkSparse(gemm))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("the 2:4 kernels have no " + message);
  }

  @Test
  void refusesASmallWorkspace() {
    Gemm gemm = Gemm.of("w", 16, 16, DenseOperands.bf16(), ElementType.BF16);
    assertThat(sparse.workspaceBytes(gemm, 129)).isEqualTo(32768);
    try (GemmWeights weights = sparse.prepare(gemm, WeightMatrix.of(device.bytes(new byte[512])))) {
      Buffer small = device.bytes(new byte[16383]);
      assertThatThrownBy(() -> sparse.multiply(weights, GemmCall.of(1, small, small), small))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("workspace needs 16,384 bytes, and the buffer has 16,383 bytes");
    }
  }

  /** Random operands with a weight that is 2:4. */
  static GemmData data(Gemm gemm, int rows) {
    GemmData data = new GemmData(gemm, rows, gemm.name().hashCode());
    SparsePacking.prune(data.matrices.get(0).codes(), rows);
    return data;
  }

  GemmWeights prepare(GemmOnDevice operands, Gemm gemm) {
    WeightMatrix matrix = operands.matrix(0);
    GemmWeights weights = sparse.prepare(gemm, matrix);
    GemmOnDevice.close(matrix);
    return weights;
  }

  byte[] multiply(GemmOnDevice operands, GemmWeights weights, int m, int first) {
    return device.multiply(sparse, weights, operands, m, first);
  }
}
