package org.sparkao.quant.scheme;

import java.util.Arrays;
import java.util.Optional;

/** How the codes of a weight lie in a checkpoint: the {@code format} of compressed-tensors. */
public enum StorageFormat {
  INT_QUANTIZED("int-quantized"),
  FLOAT_QUANTIZED("float-quantized"),
  NAIVE_QUANTIZED("naive-quantized"),
  PACK_QUANTIZED("pack-quantized"),
  NVFP4_PACK_QUANTIZED("nvfp4-pack-quantized"),
  MXFP4_PACK_QUANTIZED("mxfp4-pack-quantized"),
  MXFP8_QUANTIZED("mxfp8-quantized");

  private final String configName;

  StorageFormat(String configName) {
    this.configName = configName;
  }

  /** The name in {@code config.json}. */
  public String configName() {
    return configName;
  }

  /** The format that {@code config.json} calls so. */
  public static Optional<StorageFormat> forConfigName(String name) {
    return Arrays.stream(values()).filter(format -> format.configName.equals(name)).findFirst();
  }

  /** What compressed-tensors chooses when nothing is said ({@code compressors/format.py}). */
  public static StorageFormat infer(QuantArgs weights, Optional<QuantArgs> activations) {
    if (weights.scale() == QuantArgs.ScaleKind.E4M3_WITH_GLOBAL) {
      return NVFP4_PACK_QUANTIZED;
    }
    if (weights.scale() == QuantArgs.ScaleKind.E8M0) {
      return weights.bits() == 4 ? MXFP4_PACK_QUANTIZED : MXFP8_QUANTIZED;
    }
    if (weights.kind() == QuantArgs.Kind.FLOAT) {
      return activations.isPresent() ? FLOAT_QUANTIZED : NAIVE_QUANTIZED;
    }
    return activations.isPresent() ? INT_QUANTIZED : PACK_QUANTIZED;
  }
}
