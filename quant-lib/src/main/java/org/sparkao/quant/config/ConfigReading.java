package org.sparkao.quant.config;

import java.util.List;
import java.util.Optional;

/**
 * What came of reading {@code quantization_config}.
 *
 * @param config what it says; empty for a checkpoint that is not quantized and for one whose method
 *     or groups cannot be made out
 * @param findings what is wrong with it
 */
public record ConfigReading(Optional<QuantizationConfig> config, List<Finding> findings) {
  /** Takes a copy of the list. */
  public ConfigReading {
    findings = List.copyOf(findings);
  }
}
