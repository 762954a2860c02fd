package org.sparkao.jobs.verify;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.sparkao.quant.config.Finding;

/** Every stored scale is a positive finite number. */
final class ScaleValuesRule implements Rule {
  private static final Set<String> SCALES =
      Set.of(
          "weight_scale",
          "weight_scale_inv",
          "_weight_scale",
          "weight_global_scale",
          "input_scale",
          "input_global_scale",
          "k_scale",
          "v_scale",
          "q_scale");

  @Override
  public List<Finding> check(CheckpointView checkpoint) throws IOException {
    List<Finding> findings = new ArrayList<>();
    for (StoredTensor tensor : checkpoint.contents().tensors()) {
      if (SCALES.contains(tensor.suffix()) && ScaleReader.readable(tensor)) {
        BadValues bad = new BadValues();
        ScaleReader.visit(checkpoint.contents(), tensor, bad::look);
        if (bad.count > 0) {
          findings.add(
              Finding.error(
                  tensor.name(),
                  bad.count
                      + " of "
                      + tensor.elements()
                      + " scales are not positive finite numbers; the first is "
                      + bad.first
                      + " at index "
                      + bad.firstIndex,
                  "look for NaN, infinity or all-zero rows in the source weight, and quantize it"
                      + " again or leave it out"));
        }
      }
    }
    return findings;
  }

  private static final class BadValues {
    private long count;
    private double first;
    private long firstIndex;

    void look(long index, double value) {
      if (!(value > 0 && value < Double.POSITIVE_INFINITY)) {
        if (count == 0) {
          first = value;
          firstIndex = index;
        }
        count++;
      }
    }
  }
}
