package org.sparkao.jobs.sweep.plan;

import java.util.List;
import java.util.Map;

/**
 * One value of an axis.
 *
 * @param name in tables and filters
 * @param value what it means: a checkpoint, a scheme, an algorithm, a task
 * @param metric of a task, the one that counts; empty for its first one, and on other axes
 * @param options of the job that takes it
 */
public record AxisValue(
    String name, String value, String metric, Map<String, List<String>> options) {
  /** The name of a scheme, and of its algorithm, that leave the model as it is. */
  public static final String NONE = "none";

  /** The model as it is. */
  static final AxisValue UNQUANTIZED = new AxisValue(NONE, NONE, "", Map.of());

  /** Freezes the options. */
  public AxisValue {
    options = Map.copyOf(options);
  }
}
