package org.sparkao.jobs.export.plan;

import java.util.Objects;
import java.util.Optional;

/**
 * What an export was asked for.
 *
 * @param recipe which types
 * @param mixture whether all matrices get the recipe's type
 * @param splitBytes most bytes of tensors in a file, unless a single tensor has more
 * @param importance of columns
 */
public record ExportOptions(
    GgufRecipe recipe, Mixture mixture, long splitBytes, Optional<ImportanceMatrix> importance) {

  /** How the matrices of a recipe get their types. */
  public enum Mixture {
    /** Some more bits where llama-quantize gives them. */
    MIXED,
    /** The recipe's type for all. */
    PURE
  }

  /** All parts are given. */
  public ExportOptions {
    Objects.requireNonNull(recipe, "recipe");
    Objects.requireNonNull(mixture, "mixture");
    Objects.requireNonNull(importance, "importance");
  }

  /** One file, all columns alike. */
  public ExportOptions(GgufRecipe recipe, Mixture mixture) {
    this(recipe, mixture, Long.MAX_VALUE, Optional.empty());
  }
}
