package org.sparkao.jobs.sweep.plan;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A checkpoint to make; cells of several tasks share it.
 *
 * @param model that it is applied to
 * @param scheme what layers become; none: the model as it is
 * @param algorithm how
 * @param options of {@code quantize}, scheme and algorithm among them
 * @param calibration that it needs
 */
public record PlannedRecipe(
    PlannedModel model,
    String scheme,
    String algorithm,
    Map<String, List<String>> options,
    Optional<PlannedCalibration> calibration) {
  /** Freezes the options. */
  public PlannedRecipe {
    options = Map.copyOf(options);
  }

  /** Whether there is anything to make. */
  public boolean isQuantized() {
    return !scheme.equals(AxisValue.NONE);
  }
}
