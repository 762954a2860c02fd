package org.sparkao.jobs.sweep.run;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.sparkao.jobs.calibrate.CalibrateJob;
import org.sparkao.jobs.job.JobCalls;
import org.sparkao.jobs.quantize.QuantizeJob;
import org.sparkao.jobs.storage.CheckpointLocation;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.sweep.plan.KeyedCell;
import org.sparkao.jobs.sweep.plan.PlannedCalibration;
import org.sparkao.jobs.sweep.plan.PlannedRecipe;

/**
 * Calibrates and quantizes into folders whose names end with the keys of their content, so that
 * what is there is what is wanted. Several threads may ask; a calibration is made once.
 */
final class CheckpointMaker {
  private static final int KEY_LETTERS = 12;

  private final JobCalls jobs;
  private final Storage storage;
  private final String output;
  private final Map<String, FutureTask<String>> calibrations = new ConcurrentHashMap<>();

  CheckpointMaker(JobCalls jobs, Storage storage, String output) {
    this.jobs = jobs;
    this.storage = storage;
    this.output = output;
  }

  /** The checkpoint of a cell, made unless it is there. */
  MadeCheckpoint make(KeyedCell cell) throws Exception {
    PlannedRecipe recipe = cell.planned().recipe();
    if (!recipe.isQuantized()) {
      return new MadeCheckpoint(
          recipe.model().location(), recipe.model().bytes(), Optional.empty());
    }
    Map<String, List<String>> options = new TreeMap<>(recipe.options());
    options.put("checkpoint", List.of(recipe.model().location()));
    options.put("output", List.of(location(cell)));
    Optional<String> calibration = Optional.empty();
    if (recipe.calibration().isPresent()) {
      calibration = Optional.of(calibrated(cell, recipe.calibration().orElseThrow()));
      options.put("calibration", List.of(calibration.orElseThrow()));
    }
    jobs.demand(new QuantizeJob(), options);
    return new MadeCheckpoint(
        location(cell),
        CheckpointLocation.of(location(cell)).open(storage).totalBytes(),
        calibration);
  }

  /** Where the checkpoint of a cell is, or would be. */
  String location(KeyedCell cell) {
    PlannedRecipe recipe = cell.planned().recipe();
    return recipe.isQuantized()
        ? folder(
            cell,
            cell.planned().place().scheme() + "-" + cell.planned().place().algorithm(),
            cell.recipeKey())
        : recipe.model().location();
  }

  private String folder(KeyedCell cell, String name, String key) {
    return String.join(
        "/",
        output,
        "checkpoints",
        plain(cell.planned().place().model()),
        plain(name) + "-" + key.substring(0, KEY_LETTERS));
  }

  private static String plain(String name) {
    return name.replaceAll("[^A-Za-z0-9._-]+", "_");
  }

  private String calibrated(KeyedCell cell, PlannedCalibration calibration) throws Exception {
    String key = cell.calibrationKey().orElseThrow();
    String folder = folder(cell, "calibration", key);
    FutureTask<String> task =
        calibrations.computeIfAbsent(
            key,
            name ->
                new FutureTask<>(
                    () -> {
                      calibrate(cell, calibration, folder);
                      return folder;
                    }));
    task.run();
    try {
      return task.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof Exception cause) {
        throw cause;
      }
      throw e;
    }
  }

  private void calibrate(KeyedCell cell, PlannedCalibration calibration, String folder)
      throws Exception {
    Map<String, List<String>> options = new TreeMap<>(calibration.options());
    options.put("checkpoint", List.of(cell.planned().recipe().model().location()));
    options.put("output", List.of(folder));
    jobs.demand(new CalibrateJob(), options);
  }
}
