package org.sparkao.gpu.gemm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.sparkao.gpu.device.Buffer;

/** Products of many rows on any device, against plain loops over doubles. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class AbstractTestPrefillGemm {
  GemmDevice device;
  PrefillGemm prefill;

  abstract GemmDevice open();

  abstract PrefillGemm prefill(GemmDevice on);

  /** Rows that products are tried with, of the largest. */
  abstract int[] rows();

  /** Whether int4 weights are rounded to a type of X of 16 bits. */
  boolean roundsInt4() {
    return true;
  }

  private int allRows() {
    return Arrays.stream(rows()).max().orElseThrow();
  }

  @BeforeAll
  void begin() {
    device = open();
    prefill = prefill(device);
  }

  @AfterAll
  void end() {
    device.close();
  }

  @ParameterizedTest
  @MethodSource("org.sparkao.gpu.gemm.GemmCases#prefill")
  void multipliesAsDoublesDo(Gemm gemm) {
    GemmData data = new GemmData(gemm, allRows(), gemm.name().hashCode());
    try (GemmOnDevice operands = new GemmOnDevice(device, gemm, data);
        GemmWeights weights = prepare(operands, gemm)) {
      byte[] all = multiply(operands, weights, allRows(), 0);
      GemmTolerance.assertWithin(
          GemmTolerance.prefill(gemm),
          GemmData.decode(gemm.output(), all),
          data.product(roundsInt4()));
      for (int m : rows()) {
        int first = m * 5 % (allRows() - m + 1);
        byte[] some = multiply(operands, weights, m, first);
        assertThat(some).as("m = %d from row %d", m, first).isEqualTo(operands.rows(all, m, first));
        assertThat(multiply(operands, weights, m, first)).as("again").isEqualTo(some);
      }
    }
  }

  @Test
  void refusesASmallWorkspace() {
    Gemm gemm = Gemm.of("lm_head", 16, 16, DenseOperands.bf16(), ElementType.BF16);
    assertThat(prefill.workspaceBytes(gemm, 1)).isEqualTo(16384);
    assertThat(prefill.workspaceBytes(gemm, 129)).isEqualTo(32768);
    try (GemmWeights weights =
        prefill.prepare(gemm, WeightMatrix.of(device.bytes(new byte[512])))) {
      Buffer small = device.bytes(new byte[16383]);
      assertThatThrownBy(() -> prefill.multiply(weights, GemmCall.of(1, small, small), small))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "lm_head: workspace needs 16,384 bytes, and the buffer has 16,383 bytes; look at the"
                  + " shape, the types and the number of rows");
    }
  }

  @Test
  void refusesWhatKernelsLack() {
    WeightMatrix none = WeightMatrix.of(device.bytes(new byte[512]));
    Gemm gemm = Gemm.of("w", 16, 16, DenseOperands.bf16(), ElementType.BF16);
    Gemm both = gemm.with(Gemm.Step.SILU_GATE).with(Gemm.Step.RESIDUAL);
    assertThatThrownBy(() -> prefill.prepareGated(both, none, none))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "w [16, 16] bf16 x bf16, scales NONE x NONE, [SILU_GATE, RESIDUAL]: the prefill kernels"
                + " have no gate together with a residual; leave the step out, and add with"
                + " ResidualAdd");
    Gemm blocks =
        Gemm.of("w", 16, 16, DenseOperands.fp8(Scaling.BLOCK, Scaling.BLOCK), ElementType.BF16)
            .with(Gemm.Step.SILU_GATE);
    assertThatThrownBy(() -> prefill.prepareGated(blocks, none, none))
        .hasMessageContaining("no gate with block scales; multiply gate and up as one weight");
    Gemm wide =
        Gemm.of(
            "w",
            16,
            16,
            new DenseOperands(ElementType.E5M2, ElementType.E4M3, Scaling.NONE, Scaling.NONE),
            ElementType.BF16);
    assertThatThrownBy(() -> prefill.prepare(wide, none))
        .hasMessageContaining("no E5M2 activations; quantize activations to E4M3");
    Gemm int4 =
        Gemm.of(
                "w",
                16,
                32,
                new Int4Operands(ElementType.E4M3, 32, Int4Operands.ZeroPoints.NONE),
                ElementType.BF16)
            .with(Gemm.Step.RESIDUAL);
    assertThatThrownBy(() -> prefill.prepare(int4, none))
        .hasMessageContaining("the int4 prefill kernels have no residual; leave the step out");
  }

  GemmWeights prepare(GemmOnDevice operands, Gemm gemm) {
    WeightMatrix first = operands.matrix(0);
    if (!gemm.steps().contains(Gemm.Step.SILU_GATE)) {
      GemmWeights weights = prefill.prepare(gemm, first);
      GemmOnDevice.close(first);
      return weights;
    }
    WeightMatrix up = operands.matrix(1);
    GemmWeights weights = prefill.prepareGated(gemm, first, up);
    GemmOnDevice.close(first);
    GemmOnDevice.close(up);
    return weights;
  }

  byte[] multiply(GemmOnDevice operands, GemmWeights weights, int m, int first) {
    return device.multiply(prefill, weights, operands, m, first);
  }
}
