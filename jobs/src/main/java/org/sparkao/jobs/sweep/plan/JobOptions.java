package org.sparkao.jobs.sweep.plan;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Options of the jobs that make a cell, by key.
 *
 * @param quantize of {@code quantize}
 * @param calibrate of {@code calibrate}
 * @param evaluate of {@code evaluate}
 */
record JobOptions(
    Map<String, List<String>> quantize,
    Map<String, List<String>> calibrate,
    Map<String, List<String>> evaluate) {
  JobOptions {
    quantize = Map.copyOf(quantize);
    calibrate = Map.copyOf(calibrate);
    evaluate = Map.copyOf(evaluate);
  }

  /** These, and others that win key by key. */
  JobOptions with(JobOptions others) {
    return new JobOptions(
        merged(quantize, others.quantize),
        merged(calibrate, others.calibrate),
        merged(evaluate, others.evaluate));
  }

  private static Map<String, List<String>> merged(
      Map<String, List<String>> weak, Map<String, List<String>> strong) {
    Map<String, List<String>> merged = new TreeMap<>(weak);
    merged.putAll(strong);
    return merged;
  }
}
