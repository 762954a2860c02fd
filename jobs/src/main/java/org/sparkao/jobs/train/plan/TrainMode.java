package org.sparkao.jobs.train.plan;

/** What is trained together. */
public enum TrainMode {
  /**
   * Each block by itself, to give the outputs of the full-precision one (Block-AP of EfficientQAT,
   * Chen et al. 2024).
   */
  BLOCK("block"),
  /** The whole model, on its predictions. */
  MODEL("model");

  private final String configName;

  TrainMode(String configName) {
    this.configName = configName;
  }

  /** The name on the command line. */
  public String configName() {
    return configName;
  }
}
