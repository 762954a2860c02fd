package org.sparkao.jobs.quantize.budget;

import java.util.List;
import java.util.Optional;
import org.sparkao.jobs.quantize.plan.CalibrationFolder;
import org.sparkao.jobs.quantize.plan.Recipe;
import org.sparkao.quant.algorithm.WeightAlgorithm;
import org.sparkao.quant.algorithm.WeightAlgorithm.Needs;
import org.sparkao.quant.scheme.QuantScheme;

/**
 * What is asked of a budget.
 *
 * @param bitsPerWeight codes, scales and all, over the weights that it decides on
 * @param schemes to choose from
 * @param recipe everything else: layers that its rules speak about are not decided on
 * @param tables where the errors of earlier runs are
 * @param calibration what the inputs of layers were; without it all inputs count the same
 */
public record BudgetRequest(
    double bitsPerWeight,
    List<QuantScheme> schemes,
    Recipe recipe,
    String tables,
    Optional<CalibrationFolder> calibration) {

  /** Something to choose from. */
  public BudgetRequest {
    schemes = List.copyOf(schemes);
    if (schemes.stream().distinct().count() < 2) {
      throw new IllegalArgumentException("name two schemes or more to choose from");
    }
    if (!(bitsPerWeight > 0)) {
      throw new IllegalArgumentException(bitsPerWeight + " bits a weight");
    }
  }

  /**
   * Whose stored errors decide. Algorithms that look at inputs give errors of weights up to lessen
   * those of outputs, each by its own calibration and options, so that rounding stands in for them.
   */
  WeightAlgorithm errorsOf() {
    WeightAlgorithm asked = recipe.arithmetic().algorithm();
    return asked.needs() == Needs.NOTHING ? asked : WeightAlgorithm.RTN;
  }
}
