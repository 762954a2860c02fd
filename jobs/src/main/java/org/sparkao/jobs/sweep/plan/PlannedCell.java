package org.sparkao.jobs.sweep.plan;

import java.util.Optional;
import org.sparkao.jobs.table.SweepCellRow.Place;

/**
 * A cell of the sweep.
 *
 * @param place its names
 * @param recipe the checkpoint that is evaluated
 * @param task what it is asked; empty when that cannot be had
 * @param refusal why it cannot be computed
 */
public record PlannedCell(
    Place place, PlannedRecipe recipe, Optional<PlannedTask> task, Optional<String> refusal) {}
