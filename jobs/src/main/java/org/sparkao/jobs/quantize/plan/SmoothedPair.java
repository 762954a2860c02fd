package org.sparkao.jobs.quantize.plan;

import java.io.Serializable;
import java.util.List;
import java.util.Objects;
import org.sparkao.jobs.quantize.plan.TensorTask.Quantize;

/**
 * Linear layers whose columns are multiplied by scales, and what makes their input, which is
 * divided by them, so that the model stays what it was.
 *
 * @param unit name of the unit in which all of them are worked on
 * @param previous module that makes the input: a norm, or a linear layer whose rows are divided
 * @param balanced the layers that read the input
 */
public record SmoothedPair(String unit, String previous, List<Quantize> balanced)
    implements Serializable {
  /** At least one layer. */
  public SmoothedPair {
    Objects.requireNonNull(unit, "unit");
    Objects.requireNonNull(previous, "previous");
    balanced = List.copyOf(balanced);
    if (balanced.isEmpty()) {
      throw new IllegalArgumentException(previous + ": no layers");
    }
  }

  /** K of the layers. */
  public int columns() {
    return Math.toIntExact(balanced.get(0).weight().columns());
  }
}
