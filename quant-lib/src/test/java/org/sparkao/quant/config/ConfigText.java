package org.sparkao.quant.config;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

/** Texts of {@code config.json} for tests. */
final class ConfigText {
  private static final ObjectMapper JSON = new ObjectMapper();

  static final String INT4_GROUP128 =
      "\"num_bits\": 4, \"type\": \"int\", \"symmetric\": true, \"strategy\": \"group\","
          + " \"group_size\": 128, \"dynamic\": false";

  private ConfigText() {}

  /** The usual W4A16 configuration with another group and ignore list. */
  static String packed(String weights, String ignore) {
    return """
    {"quantization_config": {"quant_method": "compressed-tensors", "format": "pack-quantized",
     "quantization_status": "compressed", "ignore": [%s], "kv_cache_scheme": null,
     "config_groups": {"group_0": {"targets": ["Linear"], "input_activations": null,
      "output_activations": null, "weights": {%s}}}}}
    """
        .formatted(ignore, weights);
  }

  static JsonNode parse(String json) {
    try {
      return JSON.readTree(json);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(json, e);
    }
  }
}
