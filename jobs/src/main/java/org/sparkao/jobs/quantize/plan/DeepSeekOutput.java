package org.sparkao.jobs.quantize.plan;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The form of DeepSeek: {@code quant_method: fp8}. */
final class DeepSeekOutput implements OutputLayout {
  @Override
  public Map<String, Object> config(Decisions decisions) {
    List<String> ignored = decisions.ignored();
    Map<String, Object> config = new TreeMap<>();
    config.put("quant_method", "fp8");
    config.put("activation_scheme", "dynamic");
    config.put("fmt", "e4m3");
    config.put("weight_block_size", List.of(128, 128));
    config.put("modules_to_not_convert", ignored);
    config.put("ignored_layers", ignored);
    return config;
  }
}
