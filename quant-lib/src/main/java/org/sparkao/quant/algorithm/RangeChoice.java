package org.sparkao.quant.algorithm;

import java.util.Objects;
import java.util.Optional;
import org.sparkao.quant.observe.TensorRange;

/**
 * What ranges are found from, besides the values themselves.
 *
 * @param range of the whole weight and its fused siblings, for schemes that need it
 * @param importance [K] how much an error in each column counts, for {@link
 *     WeightAlgorithm#IMATRIX}: the mean square of that input; the caller's
 */
public record RangeChoice(Optional<TensorRange> range, Optional<float[]> importance) {
  /** Both are given or empty. */
  public RangeChoice {
    Objects.requireNonNull(range, "range");
    Objects.requireNonNull(importance, "importance");
  }

  /** Values and range alone. */
  public static RangeChoice of(Optional<TensorRange> range) {
    return new RangeChoice(range, Optional.empty());
  }
}
