package org.sparkao.quant.calibrated;

/**
 * In which order GPTQ goes through the columns; the largest E[x^2] first, or from left to right.
 */
public enum ActOrder {
  /** From left to right. */
  NONE("none"),
  /** Largest first; columns keep the groups and scales of their place: {@code weight} elsewhere. */
  STATIC("static"),
  /** Largest first, and groups are made of neighbours in that order: {@code weight_g_idx}. */
  GROUP("group");

  private final String configName;

  ActOrder(String configName) {
    this.configName = configName;
  }

  /** The name on the command line and in {@code config.json}. */
  public String configName() {
    return configName;
  }
}
