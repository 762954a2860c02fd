package org.sparkao.jobs.verify;

import java.util.List;
import java.util.Optional;

/**
 * What came of reading {@code quantization_config}.
 *
 * @param config what it says; empty for a checkpoint that is not quantized and for one whose method
 *     or groups cannot be made out
 * @param findings what is wrong with it
 */
record ConfigReading(Optional<QuantizationConfig> config, List<Finding> findings) {
  ConfigReading {
    findings = List.copyOf(findings);
  }
}
