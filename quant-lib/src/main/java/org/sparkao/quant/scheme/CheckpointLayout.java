package org.sparkao.quant.scheme;

/**
 * Names and types of the tensors a quantized weight becomes, and the config that describes them.
 */
public enum CheckpointLayout {
  COMPRESSED_TENSORS("compressed-tensors"),
  /** {@code quant_method: fp8}: {@code weight} and F32 {@code weight_scale_inv}, blocks 128x128. */
  DEEPSEEK("deepseek"),
  /**
   * {@code quant_method: torchao}: {@code _weight_qdata}, {@code _weight_scale} and {@code
   * _weight_zero_point}, described in the header of the file.
   */
  TORCHAO("torchao");

  private final String configName;

  CheckpointLayout(String configName) {
    this.configName = configName;
  }

  /** The name on the command line and in the tables. */
  public String configName() {
    return configName;
  }
}
