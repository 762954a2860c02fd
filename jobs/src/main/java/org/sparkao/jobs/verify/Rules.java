package org.sparkao.jobs.verify;

import java.util.List;

/** Everything that is checked, in the order of the report. */
final class Rules {
  private Rules() {}

  /** The rules for a vLLM on {@code devices} devices. */
  static List<Rule> all(int devices) {
    return List.of(
        new IndexRule(),
        new TensorsRule(),
        new IgnoreRule(),
        new TorchaoHeaderRule(),
        new ScaleValuesRule(),
        new SharedScalesRule(),
        new KernelRule(),
        new CacheScalesRule(),
        new TensorParallelRule(devices));
  }
}
