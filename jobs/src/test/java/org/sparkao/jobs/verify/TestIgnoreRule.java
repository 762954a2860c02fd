package org.sparkao.jobs.verify;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.sparkao.quant.config.Finding;
import org.sparkao.quant.config.Severity;
import org.sparkao.quant.safetensors.DType;

class TestIgnoreRule {
  private static final String UP = "model.layers.0.mlp.up_proj";

  private static MemoryCheckpoint checkpoint(String ignore) {
    return new MemoryCheckpoint()
        .config(MemoryCheckpoint.packed(MemoryCheckpoint.INT4_GROUP128, ignore))
        .int4(UP, 64, 256)
        .tensor("lm_head.weight", DType.BF16, 100, 256)
        .tensor("model.embed_tokens.weight", DType.BF16, 100, 256)
        .tensor("model.norm.weight", DType.BF16, 256);
  }

  @Test
  void acceptsACompleteList() {
    assertThat(checkpoint("\"lm_head\"").check(new IgnoreRule())).isEmpty();
    assertThat(checkpoint("\"re:.*head\"").check(new IgnoreRule())).isEmpty();
  }

  @Test
  void findsAnUnquantizedLinearThatIsNotListed() {
    assertThat(checkpoint("").check(new IgnoreRule()))
        .containsExactly(
            Finding.error(
                "lm_head",
                "is not quantized but the ignore list does not name it",
                "add it to ignore: loaders look for its scales otherwise"));
  }

  @Test
  void findsAListedModuleWithCodes() {
    assertThat(checkpoint("\"lm_head\", \"re:.*up_proj\"").check(new IgnoreRule()))
        .containsExactly(
            Finding.error(
                UP,
                "has quantized tensors but is on the ignore list",
                "take it off the list, or store its weight unquantized"));
  }

  @Test
  void findsCodesThatNoGroupTargets() {
    String config =
        MemoryCheckpoint.packed(MemoryCheckpoint.INT4_GROUP128, "\"lm_head\"")
            .replace("\"targets\": [\"Linear\"]", "\"targets\": [\"re:.*down_proj\"]");
    assertThat(checkpoint("").config(config).check(new IgnoreRule()))
        .containsExactly(
            Finding.error(
                UP,
                "has quantized tensors but no group targets it",
                "add it to the targets of its group"));
  }

  /** Python's re.match begins at the first character: gate alone matches nothing here. */
  @Test
  void warnsAboutAnExpressionThatMatchesNothing() {
    assertThat(checkpoint("\"lm_head\", \"re:gate$\"").check(new IgnoreRule()))
        .singleElement()
        .satisfies(
            finding -> {
              assertThat(finding.severity()).isEqualTo(Severity.WARNING);
              assertThat(finding.what()).isEqualTo("re:gate$ matches no module");
            });
  }

  @Test
  void findsCodesWithoutAConfiguration() {
    assertThat(
            new MemoryCheckpoint()
                .tensor(UP + ".weight", DType.BF16, 64, 256)
                .check(new IgnoreRule()))
        .isEmpty();
    assertThat(new MemoryCheckpoint().int4(UP, 64, 256).check(new IgnoreRule()))
        .singleElement()
        .satisfies(
            finding ->
                assertThat(finding.what())
                    .isEqualTo(
                        "has quantized tensors [weight_packed, weight_scale, weight_shape]"));
  }

  @Test
  void leavesRoutersOfDeepSeekToTheirClass() {
    MemoryCheckpoint checkpoint =
        new MemoryCheckpoint()
            .config(
                "{\"quantization_config\": {\"quant_method\": \"fp8\","
                    + " \"weight_block_size\": [128, 128]}}")
            .tensor("model.layers.3.mlp.gate.weight", DType.BF16, 8, 256);
    assertThat(checkpoint.check(new IgnoreRule()))
        .singleElement()
        .satisfies(
            finding -> {
              assertThat(finding.severity()).isEqualTo(Severity.WARNING);
              assertThat(finding.subject()).isEqualTo("model.layers.3.mlp.gate");
            });
  }
}
