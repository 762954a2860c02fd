package org.sparkao.jobs.verify;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.sparkao.quant.config.Finding;
import org.sparkao.quant.config.Severity;
import org.sparkao.quant.safetensors.DType;

class TestTensorsRule {
  private static final String UP = "model.layers.0.mlp.up_proj";

  private static MemoryCheckpoint int4() {
    return new MemoryCheckpoint()
        .config(MemoryCheckpoint.packed(MemoryCheckpoint.INT4_GROUP128, ""))
        .int4(UP, 64, 256);
  }

  private static void assertSingle(List<Finding> findings, String subject, String what) {
    assertThat(findings)
        .singleElement()
        .satisfies(
            finding -> {
              assertThat(finding.severity()).isEqualTo(Severity.ERROR);
              assertThat(finding.subject()).isEqualTo(subject);
              assertThat(finding.what()).isEqualTo(what);
            });
  }

  @Test
  void acceptsAWholeModule() {
    assertThat(int4().tensor(UP + ".bias", DType.BF16, 64).check(new TensorsRule())).isEmpty();
  }

  @Test
  void findsAMissingScale() {
    MemoryCheckpoint checkpoint =
        new MemoryCheckpoint()
            .config(MemoryCheckpoint.packed(MemoryCheckpoint.INT4_GROUP128, ""))
            .tensor(UP + ".weight_packed", DType.I32, 64, 32)
            .longs(UP + ".weight_shape", 64, 256);
    assertSingle(checkpoint.check(new TensorsRule()), UP + ".weight_scale", "is missing");
  }

  @Test
  void findsAWrongTypeAndShape() {
    assertSingle(
        int4().tensor(UP + ".weight_packed", DType.U8, 64, 128).check(new TensorsRule()),
        UP + ".weight_packed",
        "is U8, not [I32]");
    assertSingle(
        int4().tensor(UP + ".weight_scale", DType.BF16, 2, 64).check(new TensorsRule()),
        UP + ".weight_scale",
        "has shape [2, 64], not [64, 2]");
  }

  @Test
  void findsTheZeroPointOfASymmetricScheme() {
    List<Finding> findings =
        int4().tensor(UP + ".weight_zero_point", DType.I32, 8, 2).check(new TensorsRule());
    assertSingle(findings, UP + ".weight_zero_point", "is a zero point of a symmetric scheme");
    assertThat(findings.get(0).wayOut()).isEqualTo("remove it: vLLM fails on the unexpected name");
  }

  @Test
  void findsTensorsThatBelongToNoScheme() {
    assertSingle(
        int4().tensor(UP + ".weight_scale_2", DType.F32, 1).check(new TensorsRule()),
        UP + ".weight_scale_2",
        "is not part of this module's scheme");
  }

  @Test
  void findsAShapeTensorThatCannotBeRead() {
    assertSingle(
        int4().longs(UP + ".weight_shape", -1, 256).check(new TensorsRule()),
        UP + ".weight_shape",
        "is missing or is not I64 [2] holding N and K");
  }

  @Test
  void findsGroupsThatDoNotDivide() {
    List<Finding> findings =
        int4()
            .tensor(UP + ".weight_packed", DType.I32, 64, 18)
            .longs(UP + ".weight_shape", 64, 144)
            .check(new TensorsRule());
    assertSingle(findings, UP, "row length 144 is not a multiple of group size 128");
  }

  /** 3-bit codes: dense 256 * 3 / 32 = 24 words a row; ten codes a word make ceil(25.6) = 26. */
  @Test
  void tellsThePackingOfOldVersions() {
    MemoryCheckpoint checkpoint =
        int4()
            .config(
                MemoryCheckpoint.packed(
                    MemoryCheckpoint.INT4_GROUP128.replace("\"num_bits\": 4", "\"num_bits\": 3"),
                    ""));
    assertThat(checkpoint.tensor(UP + ".weight_packed", DType.I32, 64, 24).check(new TensorsRule()))
        .isEmpty();
    assertSingle(
        checkpoint.tensor(UP + ".weight_packed", DType.I32, 64, 26).check(new TensorsRule()),
        UP + ".weight_packed",
        "leaves the top bits of every word unused, as compressed-tensors before 0.17 did");
  }

  @Test
  void wantsZeroPointsPackedAlongRows() {
    MemoryCheckpoint checkpoint =
        int4()
            .config(
                MemoryCheckpoint.packed(
                    MemoryCheckpoint.INT4_GROUP128.replace("true", "false"), ""));
    assertSingle(checkpoint.check(new TensorsRule()), UP + ".weight_zero_point", "is missing");
    assertThat(
            checkpoint.tensor(UP + ".weight_zero_point", DType.I32, 8, 2).check(new TensorsRule()))
        .isEmpty();
    assertSingle(
        checkpoint.tensor(UP + ".weight_zero_point", DType.I32, 64, 1).check(new TensorsRule()),
        UP + ".weight_zero_point",
        "has shape [64, 1], not [8, 2]");
  }

  @Test
  void wantsFp32ScalesOfDeepSeekBlocks() {
    MemoryCheckpoint checkpoint =
        new MemoryCheckpoint()
            .config(
                "{\"quantization_config\": {\"quant_method\": \"fp8\","
                    + " \"activation_scheme\": \"dynamic\", \"weight_block_size\": [128, 128]}}")
            .tensor(UP + ".weight", DType.F8_E4M3, 130, 256)
            .tensor(UP + ".weight_scale_inv", DType.F32, 2, 2);
    assertThat(checkpoint.check(new TensorsRule())).isEmpty();
    assertSingle(
        checkpoint.tensor(UP + ".weight_scale_inv", DType.BF16, 2, 2).check(new TensorsRule()),
        UP + ".weight_scale_inv",
        "is BF16, not [F32]");
  }

  @Test
  void wantsTheInputScaleOfStaticFp8() {
    assertThat(
            new MemoryCheckpoint()
                .config(
                    "{\"quantization_config\": {\"quant_method\": \"fp8\","
                        + " \"activation_scheme\": \"static\"}}")
                .tensor("a.up_proj.weight", DType.F8_E4M3, 8, 8)
                .floats("a.up_proj.weight_scale", 1f)
                .check(new TensorsRule()))
        .extracting(Finding::subject)
        .containsExactly("a.up_proj.input_scale");
  }
}
