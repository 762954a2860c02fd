package org.sparkao.quant.algorithm;

import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.safetensors.DType;

/** Which arithmetic belongs to which element type of a file. */
final class WeightTypes {
  private WeightTypes() {}

  static WeightType of(DType type) {
    return switch (type) {
      case BF16 -> WeightType.BF16;
      case F16 -> WeightType.F16;
      case F32 -> WeightType.F32;
      default -> throw new IllegalArgumentException("weights of type " + type);
    };
  }
}
