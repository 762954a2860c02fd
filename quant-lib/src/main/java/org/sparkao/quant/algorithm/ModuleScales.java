package org.sparkao.quant.algorithm;

import java.util.Objects;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.scheme.Numerics;

/**
 * Scales of the weight of one module, and what they were learned under.
 *
 * @param scheme name of the scheme
 * @param numerics whose arithmetic
 * @param dtype of the weight, which the scales inherit: BF16, F16 or F32
 * @param scales the scales, and zero points where the scheme has them
 */
public record ModuleScales(String scheme, Numerics numerics, DType dtype, GivenScales scales) {
  /** All parts are given. */
  public ModuleScales {
    Objects.requireNonNull(scheme, "scheme");
    Objects.requireNonNull(numerics, "numerics");
    Objects.requireNonNull(dtype, "dtype");
    Objects.requireNonNull(scales, "scales");
  }
}
