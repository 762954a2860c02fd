package org.sparkao.quant.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TestTorchaoConfigReader {
  private static final String INT8 =
      "{\"_type\": \"Int8WeightOnlyConfig\", \"_data\": {\"granularity\":"
          + " {\"_type\": \"PerRow\", \"_data\": {\"dim\": -1}}}}";

  private static QuantizationConfig config() {
    String entries =
        Stream.of(
                "model.layers.0.mlp.up_proj",
                "model.layers.1.mlp.up_proj: null",
                "model.layers.2.mlp.up_proj: null",
                "model.layers.2.mlp.up_proj.weight",
                "model.layers.3.mlp.up_proj",
                "model.layers.3.mlp.up_proj.weight: null",
                "_default",
                "re:.*\\\\.layers\\\\.0\\\\..*: null",
                "re:.*up_proj",
                "re:model\\\\.layers\\\\.[45]\\\\..*: null",
                "re:.*down_proj\\\\.weight",
                "re:.*gate")
            .map(TestTorchaoConfigReader::entry)
            .collect(Collectors.joining(", "));
    ConfigReading reading =
        ConfigReader.read(
            ConfigText.parse(
                "{\"quantization_config\": {\"quant_method\": \"torchao\", \"quant_type\":"
                    + " {\"default\": {\"_type\": \"FqnToConfig\", \"_data\": {\"fqn_to_config\": {"
                    + entries
                    + "}}}}}}"));
    assertThat(reading.findings()).isEmpty();
    return reading.config().orElseThrow();
  }

  private static String entry(String text) {
    return text.endsWith(": null")
        ? "\"" + text.replace(": null", "\": null")
        : "\"" + text + "\": " + INT8;
  }

  /**
   * The key whose configuration a layer gets; none where that is null. Expected keys are what the
   * lines of {@code TorchAoQuantize.convert} in transformers 5.23.0 that choose {@code c} gave for
   * this dictionary, with each key as its own configuration.
   */
  @ParameterizedTest
  @CsvSource({
    "model.layers.0.mlp.up_proj, model.layers.0.mlp.up_proj",
    "model.layers.0.mlp.down_proj, ",
    "model.layers.1.mlp.up_proj, ",
    "model.layers.1.mlp.down_proj, re:.*down_proj\\.weight",
    "model.layers.1.mlp.gate_proj, _default",
    "model.layers.2.mlp.up_proj, model.layers.2.mlp.up_proj.weight",
    "model.layers.3.mlp.up_proj, ",
    "model.layers.4.mlp.up_proj, re:.*up_proj",
    "model.layers.4.mlp.down_proj, ",
    "model.layers.5.mlp.gate_proj, "
  })
  void namesComeBeforeExpressionsAndTheseInTheirOrder(String module, String key) {
    NamedModule layer = NamedModule.linear(module);
    QuantizationConfig config = config();
    assertThat(config.ignores(layer)).isEqualTo(key == null);
    if (key != null) {
      assertThat(config.group(layer).orElseThrow().name()).isEqualTo(key);
    }
  }
}
