package org.sparkao.jobs.quantize.plan;

import java.util.Map;
import java.util.Optional;

/** The place of {@code quantization_config} in a {@code config.json}. */
final class QuantizationConfig {
  private static final String KEY = "quantization_config";

  /** Older name of the same object, which loaders still look for. */
  private static final String OLD_KEY = "compression_config";

  private QuantizationConfig() {}

  /**
   * Puts the object into a {@code config.json} in place of whatever described the source: at the
   * root or in the text part, by either name.
   *
   * @param root of {@code config.json}, changed
   * @param config empty for a model that is not quantized
   */
  static void replace(Map<String, Object> root, Optional<Map<String, Object>> config) {
    root.remove(OLD_KEY);
    root.remove(KEY);
    if (root.get("text_config") instanceof Map<?, ?> text) {
      text.remove(KEY);
      text.remove(OLD_KEY);
    }
    config.ifPresent(object -> root.put(KEY, object));
  }
}
