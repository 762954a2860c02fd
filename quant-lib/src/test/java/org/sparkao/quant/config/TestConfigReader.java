package org.sparkao.quant.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.sparkao.quant.scheme.Granularity.PerBlock;
import org.sparkao.quant.scheme.Granularity.PerTensor;

class TestConfigReader {
  private static final String GOOD = ConfigText.packed(ConfigText.INT4_GROUP128, "\"lm_head\"");

  private static ConfigReading read(String json) {
    return ConfigReader.read(ConfigText.parse(json));
  }

  private static void assertSingle(String json, Severity severity, String what) {
    assertThat(read(json).findings())
        .singleElement()
        .satisfies(
            finding -> {
              assertThat(finding.what()).isEqualTo(what);
              assertThat(finding.severity()).isEqualTo(severity);
            });
  }

  @Test
  void readsGroupsAndIgnoreList() {
    ConfigReading reading = read(GOOD);
    assertThat(reading.findings()).isEmpty();
    QuantizationConfig config = reading.config().orElseThrow();
    assertThat(config.groups()).extracting(QuantizedGroup::name).containsExactly("group_0");
    assertThat(config.ignore()).containsExactly(new ModulePattern.Name("lm_head"));
  }

  @Test
  void takesAPlainCheckpointAsItIs() {
    assertThat(read("{\"model_type\": \"llama\"}"))
        .isEqualTo(new ConfigReading(Optional.empty(), List.of()));
  }

  @Test
  void warnsAboutKeysThatReadersIgnore() {
    assertSingle(
        GOOD.replace("\"kv_cache_scheme\"", "\"kv_cash_scheme\""),
        Severity.WARNING,
        "unknown field kv_cash_scheme");
  }

  @Test
  void refusesKeysOfAGroupThatReadersRefuse() {
    assertSingle(
        GOOD.replace("\"output_activations\": null", "\"outputs\": null"),
        Severity.ERROR,
        "unknown field outputs");
  }

  @Test
  void refusesAFormatThatCannotHoldTheWeights() {
    assertSingle(
        GOOD.replace("pack-quantized", "float-quantized"),
        Severity.ERROR,
        "format float-quantized cannot hold these weights");
    assertSingle(GOOD.replace("pack-quantized", "zip"), Severity.ERROR, "format is \"zip\"");
  }

  @Test
  void comparesTheTopFormatWithTheGroups() {
    assertSingle(
        GOOD.replace("\"targets\"", "\"format\": \"int-quantized\", \"targets\""),
        Severity.WARNING,
        "format is \"pack-quantized\" but the groups have [int-quantized]");
  }

  @Test
  void refusesAnExpressionThatIsNone() {
    assertSingle(
        GOOD.replace("\"lm_head\"", "\"re:(\""),
        Severity.ERROR,
        "\"re:(\" is no expression: Unclosed group");
  }

  @Test
  void saysWhatItDoesNotKnow() {
    assertSingle(
        "{\"quantization_config\": {\"quant_method\": \"awq\"}}",
        Severity.WARNING,
        "quant_method awq is not one that verify knows");
    assertSingle("{\"quantization_config\": {\"bits\": 4}}", Severity.ERROR, "has no quant_method");
  }

  @Test
  void readsBlocksOfFp8() {
    ConfigReading reading =
        read(
            "{\"quantization_config\": {\"quant_method\": \"fp8\", \"fmt\": \"e4m3\","
                + " \"activation_scheme\": \"dynamic\", \"weight_block_size\": [128, 128],"
                + " \"modules_to_not_convert\": [\"lm_head\"], \"ignored_layers\": [\"lm_head\"]}}");
    assertThat(reading.findings()).isEmpty();
    assertThat(reading.config().orElseThrow().groups())
        .singleElement()
        .satisfies(
            group -> assertThat(group.weights().granularity()).isEqualTo(new PerBlock(128, 128)));
  }

  @Test
  void wantsBothListsOfFp8AndDynamicActivations() {
    assertSingle(
        "{\"quantization_config\": {\"quant_method\": \"fp8\", \"weight_block_size\": [128, 128],"
            + " \"modules_to_not_convert\": [\"lm_head\"]}}",
        Severity.WARNING,
        "modules_to_not_convert [lm_head] and ignored_layers [] differ");
    assertSingle(
        "{\"quantization_config\": {\"quant_method\": \"fp8\", \"weight_block_size\": [128, 128],"
            + " \"activation_scheme\": \"static\"}}",
        Severity.ERROR,
        "activation_scheme is static with blocks");
    assertSingle(
        "{\"quantization_config\": {\"quant_method\": \"fp8\", \"weight_block_size\": [128]}}",
        Severity.ERROR,
        "weight_block_size is [128]");
  }

  @Test
  void readsFp8WithoutBlocksAsOneScaleATensor() {
    ConfigReading reading =
        read(
            "{\"quantization_config\": {\"quant_method\": \"fp8\","
                + " \"activation_scheme\": \"static\"}}");
    assertThat(reading.config().orElseThrow().groups().get(0).weights().granularity())
        .isEqualTo(new PerTensor());
  }
}
