package org.sparkao.jobs.verify;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkao.quant.safetensors.DType;

class TestScaleValuesRule {
  private static final String SCALE = "model.layers.0.mlp.up_proj.weight_scale";

  @Test
  void acceptsPositiveFiniteScales() {
    assertThat(
            new MemoryCheckpoint()
                .floats(SCALE, 1e-30f, Float.MIN_VALUE, 3e38f)
                .check(new ScaleValuesRule()))
        .isEmpty();
  }

  @Test
  void countsTheBadOnes() {
    assertThat(
            new MemoryCheckpoint()
                .floats(SCALE, 1f, 0f, Float.NaN, Float.POSITIVE_INFINITY, -1f)
                .check(new ScaleValuesRule()))
        .singleElement()
        .satisfies(
            finding -> {
              assertThat(finding.subject()).isEqualTo(SCALE);
              assertThat(finding.what())
                  .isEqualTo(
                      "4 of 5 scales are not positive finite numbers; the first is 0.0 at index 1");
              assertThat(finding.wayOut()).startsWith("look for NaN, infinity or all-zero rows");
            });
  }

  /** Codes from the definitions: bf16 and fp16 (IEEE 754), e4m3fn (OCP), E8M0 (OCP MX). */
  @ParameterizedTest
  @CsvSource({
    "BF16, 3F80, 1.0",
    "BF16, 7F80, Infinity",
    "F16, 3C00, 1.0",
    "F16, 0001, 5.9604644775390625E-8",
    "F16, 7BFF, 65504.0",
    "F16, FC00, -Infinity",
    "F8_E4M3, 7E, 448.0",
    "F8_E4M3, 01, 0.001953125",
    "F8_E4M3, 20, 0.125",
    "F8_E4M3, FF, NaN",
    "U8, 7F, 1.0",
    "U8, 00, 5.877471754111438E-39",
    "U8, FF, NaN"
  })
  void decodesEveryTypeOfScale(DType dtype, String hex, Double expected) throws Exception {
    int code = Integer.parseInt(hex, 16);
    MemoryCheckpoint checkpoint =
        new MemoryCheckpoint().tensor(SCALE, dtype, 1).fill(SCALE, (byte) code, (byte) (code >> 8));
    assertThat(ScaleReader.first(checkpoint, checkpoint.tensors().get(0))).isEqualTo(expected);
  }

  @Test
  void looksAtScalesBeyondTheFirstPiece() {
    long elements = (1 << 20) + 3;
    MemoryCheckpoint checkpoint =
        new MemoryCheckpoint().tensor(SCALE, DType.U8, elements).fill(SCALE, (byte) 0xFF);
    assertThat(checkpoint.check(new ScaleValuesRule()))
        .singleElement()
        .satisfies(
            finding -> assertThat(finding.what()).startsWith(elements + " of " + elements + " "));
  }
}
