package org.sparkao.gpu.gemm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Descriptions: what they derive, and what they refuse. */
class TestGemm {
  private static final Operands FP8 = DenseOperands.fp8(Scaling.ROW, Scaling.ROW);

  @Test
  void derivesSizes() {
    Gemm gemm =
        Gemm.of(
            "gate_up", 64, 272, DenseOperands.fp8(Scaling.BLOCK, Scaling.BLOCK), ElementType.BF16);
    assertThat(gemm.columns()).isEqualTo(64);
    assertThat(gemm.bytesOfX(3)).isEqualTo(3 * 272);
    assertThat(gemm.scalesOfX(3)).isEqualTo(9);
    assertThat(gemm.bytesOfY(3)).isEqualTo(3 * 64 * 2);
    Gemm gated = gemm.with(Gemm.Step.SILU_GATE);
    assertThat(gated.columns()).isEqualTo(32);
    assertThat(gated.bytesOfY(3)).isEqualTo(3 * 32 * 2);
    assertThat(gated.label())
        .isEqualTo("gate_up [64, 272] e4m3 x e4m3, scales BLOCK x BLOCK, [SILU_GATE]");
  }

  @ParameterizedTest
  @CsvSource({"0,16", "16,0", "24,16", "16,24", "-16,16"})
  void refusesOtherShapes(int n, int k) {
    assertThatThrownBy(() -> Gemm.of("model.norm", n, k, FP8, ElementType.BF16))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "model.norm: shape ["
                + n
                + ", "
                + k
                + "], and N and K are positive multiples of 16; pad rows and columns with zeros");
  }

  @Test
  void refusesOtherResults() {
    assertThatThrownBy(() -> Gemm.of("w", 16, 16, FP8, ElementType.E4M3))
        .hasMessage("w: no results in E4M3; use BF16, FP16 or FP32");
  }

  @Test
  void refusesGroupsThatDoNotDivideARow() {
    Int4Operands groups = new Int4Operands(ElementType.FP16, 64, Int4Operands.ZeroPoints.NONE);
    assertThatThrownBy(() -> Gemm.of("w", 16, 96, groups, ElementType.FP16))
        .hasMessage(
            "w: row length 96 is not a multiple of group size 64; use 32, 64 or 128, or quantize"
                + " with a scale a row");
  }

  @ParameterizedTest
  @CsvSource({"E4M3,E5M2", "BF16,E4M3", "FP16,FP16", "INT8,E4M3"})
  void refusesOtherTypes(ElementType x, ElementType w) {
    assertThatThrownBy(() -> new DenseOperands(x, w, Scaling.NONE, Scaling.NONE))
        .hasMessageStartingWith("no matrix product of " + x + " activations and " + w + " weights");
  }

  @ParameterizedTest
  @CsvSource({
    "E4M3,E4M3,BLOCK,ROW",
    "E4M3,E4M3,NONE,BLOCK",
    "INT8,INT8,BLOCK,BLOCK",
    "BF16,BF16,ROW,NONE"
  })
  void refusesOtherScales(ElementType x, ElementType w, Scaling ofX, Scaling ofW) {
    assertThatThrownBy(() -> new DenseOperands(x, w, ofX, ofW))
        .hasMessageStartingWith("no matrix product of " + x + " activations with scales " + ofX)
        .hasMessageEndingWith("BLOCK goes with BLOCK and fp8 only, BF16 with NONE and NONE");
  }

  @ParameterizedTest
  @CsvSource({"BF16,16,NONE", "E4M3,32,GIVEN", "INT8,32,NONE"})
  void refusesOtherInt4(ElementType x, int group, Int4Operands.ZeroPoints zeroPoints) {
    assertThatThrownBy(() -> new Int4Operands(x, group, zeroPoints))
        .hasMessageStartingWith(
            "no matrix product of " + x + " activations and int4 weights in groups of " + group);
  }
}
