package org.sparkao.quant.algorithm;

import java.util.Objects;
import org.sparkao.quant.scheme.CheckpointLayout;
import org.sparkao.quant.scheme.Numerics;
import org.sparkao.quant.scheme.QuantScheme;

/**
 * Everything that decides the bytes of a quantized weight but the weight itself.
 *
 * @param scheme what the weight becomes
 * @param layout how it is named and typed in the file
 * @param numerics whose arithmetic
 * @param algorithm how ranges and codes are chosen
 * @param weight the weight's shape and type
 */
public record QuantizeRequest(
    QuantScheme scheme,
    CheckpointLayout layout,
    Numerics numerics,
    WeightAlgorithm algorithm,
    WeightSpec weight) {

  /** All parts are given. */
  public QuantizeRequest {
    Objects.requireNonNull(scheme, "scheme");
    Objects.requireNonNull(layout, "layout");
    Objects.requireNonNull(numerics, "numerics");
    Objects.requireNonNull(algorithm, "algorithm");
    Objects.requireNonNull(weight, "weight");
  }

  /** The same under another algorithm. */
  public QuantizeRequest with(WeightAlgorithm other) {
    return new QuantizeRequest(scheme, layout, numerics, other, weight);
  }
}
