package org.sparkao.jobs.sweep.plan;

import java.util.List;
import java.util.Map;

/**
 * Statistics that a recipe needs.
 *
 * @param options of {@code calibrate}, data and {@code hessian} among them
 * @param text SHA-256 of the tokens, and what else decides the content beside model and arithmetic
 */
public record PlannedCalibration(Map<String, List<String>> options, String text) {
  /** Freezes the options. */
  public PlannedCalibration {
    options = Map.copyOf(options);
  }
}
