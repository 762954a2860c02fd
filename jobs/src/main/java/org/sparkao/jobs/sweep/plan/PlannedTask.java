package org.sparkao.jobs.sweep.plan;

import java.util.List;
import java.util.Map;

/**
 * A task on a model.
 *
 * @param task name of its definition
 * @param version of the definition
 * @param metric the one that counts
 * @param itemsHash SHA-256 over what the model is asked, item by item, and over what is right
 * @param items how many
 * @param tokens of all items
 * @param options of {@code evaluate}, the task among them
 */
public record PlannedTask(
    String task,
    String version,
    String metric,
    String itemsHash,
    long items,
    long tokens,
    Map<String, List<String>> options) {
  /** Freezes the options. */
  public PlannedTask {
    options = Map.copyOf(options);
  }
}
