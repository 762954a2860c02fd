package org.sparkao.jobs.sweep.run;

import java.util.List;
import org.sparkao.jobs.sweep.plan.KeyedCell;
import org.sparkao.jobs.sweep.plan.SweepPlan;

/**
 * A sweep to carry out.
 *
 * @param plan what it is
 * @param cells of the plan in its order, with their keys
 * @param runId name of the run
 * @param parallel recipes that are worked at at once
 */
public record SweepRequest(SweepPlan plan, List<KeyedCell> cells, String runId, int parallel) {
  /** Freezes the list. */
  public SweepRequest {
    cells = List.copyOf(cells);
  }
}
