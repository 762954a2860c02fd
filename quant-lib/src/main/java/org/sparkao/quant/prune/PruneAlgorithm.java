package org.sparkao.quant.prune;

import org.sparkao.quant.algorithm.WeightAlgorithm.Needs;

/** How the weights that become zero are chosen. */
public enum PruneAlgorithm {
  /** The smallest magnitudes. */
  MAGNITUDE("magnitude", Needs.NOTHING),
  /** The smallest magnitudes times the root mean square of their input (Sun et al. 2023). */
  WANDA("wanda", Needs.INPUT_SQUARES),
  /** Those that harm the output least, the others making up for them (Frantar, Alistarh 2023). */
  SPARSEGPT("sparsegpt", Needs.INPUT_PRODUCTS);

  private final String configName;
  private final Needs needs;

  PruneAlgorithm(String configName, Needs needs) {
    this.configName = configName;
    this.needs = needs;
  }

  /** The name on the command line and in the tables. */
  public String configName() {
    return configName;
  }

  /** What it must know of the inputs of a linear layer. */
  public Needs needs() {
    return needs;
  }
}
