package org.sparkao.gpu.model.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkao.gpu.gemm.Int4Operands;
import org.sparkao.gpu.model.Operation;

/** Which scheme is computed how. */
class TestLinearForms {
  private static final int N = 128;
  private static final int K = 384;

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "plain | BF16 | bf16",
        "FP8_DYNAMIC | E4M3_ROWS | e4m3, a scale a row, x e4m3",
        "FP8 | E4M3_STATIC | e4m3, its scale given, x e4m3",
        "FP8_BLOCK | E4M3_GROUPS | e4m3, scales 1x128, x e4m3, scales 128x128",
        "W8A8 | INT8_ROWS | int8, a scale a row, x int8",
        "W8A16 | BF16 | W8A16 dequantized to bf16",
        "W4A16 | BF16 | bf16 x int4, groups of 128",
        "W4A16(group_size=-1) | BF16 | bf16 x int4, a scale a row",
        "W4A16(group_size=192) | BF16 | bf16 x int4, groups of 192",
        "W4A16(group_size=8) | BF16 | W4A16(group_size=8) dequantized to bf16",
        "W4A16_ASYM | BF16 | bf16 x int4, groups of 128",
        "W4A8 | INT8_AS_BF16 | int8 multiplied as bf16, a scale a row, x int4, groups of 128",
        "W4AFP8 | E4M3_ROWS | e4m3, a scale a row, x int4, groups of 128",
        "8DA4W | NUMBERS | bf16 numbers of 8DA4W's codes x int4, groups of 32",
        "W8A8(group_size=32) | NUMBERS | W8A8(group_size=32) dequantized to bf16, x numbers of its"
            + " codes",
        "NVFP4A16 | BF16 | NVFP4A16 dequantized to bf16",
        "NVFP4 | BF16 | NVFP4 dequantized to bf16, x as it is",
        "MXFP8 | NUMBERS | MXFP8 dequantized to bf16, x numbers of its codes",
        "W3A16 | BF16 | W3A16 dequantized to bf16"
      })
  void everySchemeHasAForm(String scheme, Inputs inputs, String numerics) {
    LinearForm form = form(scheme);
    assertThat(form.inputs()).isEqualTo(inputs);
    assertThat(form.numerics()).isEqualTo(numerics);
  }

  @Test
  void groupsOfTheKernelsDivideTheStoredOnes() {
    assertThat(operands("W4A16(group_size=192)").group()).isEqualTo(64);
    assertThat(operands("W4A16(group_size=96)").group()).isEqualTo(32);
    assertThat(operands("W4A16(group_size=384)").group()).isEqualTo(Int4Operands.ROW);
    assertThat(operands("W4A16(group_size=128)").group()).isEqualTo(128);
  }

  @Test
  void gatesAndSumsAreFusedWhereThereAreKernels() {
    assertThat(form("plain").gates()).isTrue();
    assertThat(form("plain").fuses(Operation.PREFILL)).isTrue();
    assertThat(form("FP8_BLOCK").gates()).isFalse();
    assertThat(form("W4A16").fuses(Operation.DECODE)).isTrue();
    assertThat(form("W4A16").fuses(Operation.PREFILL)).isFalse();
    assertThat(form("W4A8").fuses(Operation.DECODE)).isFalse();
  }

  /** By hand: 128 x 384 numbers, a scale for 128 of them in bf16, or one a row in fp32. */
  @Test
  void bytesAreThoseOfCodesAndScales() {
    assertThat(bytes("plain")).isEqualTo(2 * N * K + 4 * N);
    assertThat(bytes("FP8_DYNAMIC")).isEqualTo(N * K + 4 * N);
    assertThat(bytes("W4A16")).isEqualTo(N * K / 2 + 2 * 3 * N);
    assertThat(bytes("W4A16_ASYM")).isEqualTo(N * K / 2 + 3 * 3 * N);
  }

  private static long bytes(String scheme) {
    return LinearForms.bytes(ProjectionCase.of(scheme, N, K, false, 1).weight());
  }

  private static Int4Operands operands(String scheme) {
    return (Int4Operands) form(scheme).operands();
  }

  private static LinearForm form(String scheme) {
    return LinearForms.of(ProjectionCase.of(scheme, N, K, false, 1).weight());
  }
}
