package org.sparkao.quant.algorithm;

/** How ranges and codes are chosen without activations. */
public enum WeightAlgorithm {
  /** Round to nearest under the range of the values. */
  RTN("rtn"),
  /** The shrunken range of least error, searched on a line. */
  MSE("mse"),
  /** The range that keeps a given share of the values. */
  PERCENTILE("percentile"),
  /** The cut-off of least squared error over a histogram of magnitudes. */
  HISTOGRAM("histogram"),
  /** Half-quadratic quantization (Badri and Shaji 2023): zero points by proximal steps. */
  HQQ("hqq");

  private final String configName;

  WeightAlgorithm(String configName) {
    this.configName = configName;
  }

  /** The name on the command line and in the tables. */
  public String configName() {
    return configName;
  }
}
