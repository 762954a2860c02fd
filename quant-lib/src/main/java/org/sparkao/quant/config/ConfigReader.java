package org.sparkao.quant.config;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Optional;

/** {@code config.json} to what loaders make of it, by {@code quant_method}. */
public final class ConfigReader {
  /** Where messages say that something stands. */
  public static final String PATH = "config.json: quantization_config";

  private ConfigReader() {}

  /**
   * Reads {@code quantization_config}.
   *
   * @param config the whole {@code config.json}
   */
  public static ConfigReading read(JsonNode config) {
    JsonNode node = config.path("quantization_config");
    return node.isMissingNode() || node.isNull()
        ? new ConfigReading(Optional.empty(), List.of())
        : readQuantization(node);
  }

  /**
   * Reads the object alone.
   *
   * @param node the value of {@code quantization_config}
   */
  public static ConfigReading readQuantization(JsonNode node) {
    String method = node.path("quant_method").asText("");
    return switch (method) {
      case "compressed-tensors" -> new CompressedTensorsConfigReader(node).read();
      case "fp8" -> new Fp8ConfigReader(node).read();
      case "torchao" -> new TorchaoConfigReader(node).read();
      case "" ->
          new ConfigReading(
              Optional.empty(),
              List.of(
                  Finding.error(
                      PATH,
                      "has no quant_method",
                      "write \"quant_method\": \"compressed-tensors\" or \"fp8\"")));
      default ->
          new ConfigReading(
              Optional.empty(),
              List.of(
                  Finding.warning(
                      PATH,
                      "quant_method " + method + " is not one that verify knows",
                      "only the files and their index were checked; open it with its own loader")));
    };
  }
}
