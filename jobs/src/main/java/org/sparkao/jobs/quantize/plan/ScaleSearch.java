package org.sparkao.jobs.quantize.plan;

import org.sparkao.quant.algorithm.WeightAlgorithm;

/** How the scales are found under which GPTQ chooses codes. */
public enum ScaleSearch {
  /** From the whole range of the values. */
  RANGE("range", WeightAlgorithm.RTN),
  /** As {@code --algorithm mse} does. */
  MSE("mse", WeightAlgorithm.MSE),
  /** As {@code --algorithm imatrix} does. */
  IMATRIX("imatrix", WeightAlgorithm.IMATRIX);

  private final String configName;
  private final WeightAlgorithm algorithm;

  ScaleSearch(String configName, WeightAlgorithm algorithm) {
    this.configName = configName;
    this.algorithm = algorithm;
  }

  /** The name on the command line. */
  public String configName() {
    return configName;
  }

  /** The algorithm that finds ranges so. */
  public WeightAlgorithm algorithm() {
    return algorithm;
  }
}
