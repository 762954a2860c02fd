package org.sparkao.jobs.sweep.plan;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.sparkao.jobs.evaluate.plan.Sha256;
import org.sparkao.jobs.job.ProgramVersion;

/**
 * SHA-256 of what decides the content of calibrations, checkpoints and outcomes, wherever they lie.
 * The number of the program's release is in all of them, so that a new one computes anew.
 */
final class ContentKeys {
  private static final String FORMAT = "sweep 1";

  /** Options of evaluate that change no bit, or what a key says by the items themselves. */
  private static final Set<String> OF_EVALUATE_LEFT_OUT =
      Set.of(
          "data",
          "tasks",
          "limit",
          "num-fewshot",
          "chat-template",
          "system-prompt",
          "max-length",
          "too-long",
          "batch-tokens",
          "partitions",
          "memory",
          "store-logits");

  private static final Set<String> OF_CALIBRATE_LEFT_OUT =
      Set.of("data", "text-column", "samples", "sequence-length", "partitions");

  private static final Set<String> OF_QUANTIZE_LEFT_OUT = Set.of("device");

  private ContentKeys() {}

  /**
   * Of a calibration.
   *
   * @param modelHash SHA-256 of the model's content
   */
  static String calibration(String modelHash, PlannedCalibration calibration) {
    Sha256 hash = begin("calibration").line(modelHash).line(calibration.text());
    add(hash, calibration.options(), OF_CALIBRATE_LEFT_OUT);
    return hash.hex();
  }

  /** Of a checkpoint. */
  static String recipe(String modelHash, PlannedRecipe recipe) {
    Sha256 hash = begin("recipe").line(modelHash);
    add(hash, recipe.options(), OF_QUANTIZE_LEFT_OUT);
    return hash.line(recipe.calibration().map(needed -> calibration(modelHash, needed)).orElse("-"))
        .hex();
  }

  /** Of the outcome of a cell. */
  static String cell(String modelHash, PlannedCell cell) {
    Sha256 hash = begin("cell").line(recipe(modelHash, cell.recipe()));
    if (cell.task().isEmpty()) {
      return hash.line(cell.place().task()).hex();
    }
    PlannedTask task = cell.task().orElseThrow();
    hash.line(task.task()).line(task.version()).line(task.metric()).line(task.itemsHash());
    add(hash, task.options(), OF_EVALUATE_LEFT_OUT);
    return hash.hex();
  }

  private static Sha256 begin(String what) {
    return new Sha256().line(FORMAT).line(ProgramVersion.current().split(" ")[0]).line(what);
  }

  private static void add(Sha256 hash, Map<String, List<String>> options, Set<String> leftOut) {
    new TreeMap<>(options)
        .forEach(
            (key, values) -> {
              if (!leftOut.contains(key)) {
                hash.line(key + " " + values.size());
                values.forEach(hash::line);
              }
            });
    hash.line("");
  }
}
