package org.sparkao.quant.scheme;

/** Whose arithmetic is followed to the bit. The two differ in scales, rounding order and floors. */
public enum Numerics {
  /** compressed-tensors 0.18, eager: everything in the data type of the weight, true division. */
  COMPRESSED_TENSORS("compressed-tensors"),
  /** torchao 0.19: fp32 reciprocal multiplication, round before clamping. */
  TORCHAO("torchao");

  private final String configName;

  Numerics(String configName) {
    this.configName = configName;
  }

  /** The name on the command line and in the tables. */
  public String configName() {
    return configName;
  }
}
