package org.sparkao.jobs.sweep.plan;

import java.util.Optional;

/**
 * A cell whose model's content is known.
 *
 * @param planned the cell
 * @param modelHash SHA-256 of the model's content; a dash when it cannot be used
 * @param key of its outcome
 * @param recipeKey of its checkpoint
 * @param calibrationKey of the statistics that it needs
 */
public record KeyedCell(
    PlannedCell planned,
    String modelHash,
    String key,
    String recipeKey,
    Optional<String> calibrationKey) {

  /** With its keys. */
  public static KeyedCell of(PlannedCell cell, String modelHash) {
    return new KeyedCell(
        cell,
        modelHash,
        ContentKeys.cell(modelHash, cell),
        ContentKeys.recipe(modelHash, cell.recipe()),
        cell.recipe()
            .calibration()
            .map(calibration -> ContentKeys.calibration(modelHash, calibration)));
  }
}
