package org.sparkao.quant.algorithm;

/** How ranges and codes are chosen. */
public enum WeightAlgorithm {
  /** Round to nearest under the range of the values. */
  RTN("rtn", Needs.NOTHING),
  /** The shrunken range of least error, searched on a line. */
  MSE("mse", Needs.NOTHING),
  /** The range that keeps a given share of the values. */
  PERCENTILE("percentile", Needs.NOTHING),
  /** The cut-off of least squared error over a histogram of magnitudes. */
  HISTOGRAM("histogram", Needs.NOTHING),
  /** Half-quadratic quantization (Badri and Shaji 2023): zero points by proximal steps. */
  HQQ("hqq", Needs.NOTHING),
  /** As mse, errors weighted by the mean square of the input of their column. */
  IMATRIX("imatrix", Needs.INPUT_SQUARES),
  /** Columns one after the other, each error made good by later ones (Frantar et al. 2022). */
  GPTQ("gptq", Needs.INPUT_PRODUCTS),
  /** Columns scaled by activations, as far as the output gains by it (Lin et al. 2023). */
  AWQ("awq", Needs.INPUT_PRODUCTS),
  /** The range of inputs shared with the weights (Xiao et al. 2022). */
  SMOOTHQUANT("smoothquant", Needs.INPUT_RANGES);

  /** What an algorithm must know of the inputs of a linear layer. */
  public enum Needs {
    /** Weights alone. */
    NOTHING,
    /** E[x^2] of each column. */
    INPUT_SQUARES,
    /** X^T X. */
    INPUT_PRODUCTS,
    /** Smallest and largest input of each column. */
    INPUT_RANGES
  }

  private final String configName;
  private final Needs needs;

  WeightAlgorithm(String configName, Needs needs) {
    this.configName = configName;
    this.needs = needs;
  }

  /** The name on the command line and in the tables. */
  public String configName() {
    return configName;
  }

  /** What it must know of activations. */
  public Needs needs() {
    return needs;
  }

  /** Whether it searches ranges of groups. */
  boolean searches() {
    return this != RTN && this != GPTQ && this != AWQ && this != SMOOTHQUANT;
  }
}
