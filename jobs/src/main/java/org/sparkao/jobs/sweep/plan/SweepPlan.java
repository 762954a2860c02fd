package org.sparkao.jobs.sweep.plan;

import java.util.List;

/**
 * What a sweep is to compute.
 *
 * @param definition its file
 * @param output its folder
 * @param models in the order of the file
 * @param cells model by model, baselines first
 */
public record SweepPlan(
    SweepDefinition definition, String output, List<PlannedModel> models, List<PlannedCell> cells) {
  /** Freezes the lists. */
  public SweepPlan {
    models = List.copyOf(models);
    cells = List.copyOf(cells);
  }
}
