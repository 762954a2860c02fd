package org.sparkao.quant.prune;

/** Chooses zeros in the rows of one weight. One instance a thread. */
public interface Pruner {
  /**
   * Makes some of the weights zero, in place; may change others.
   *
   * @param weights [rows, K], K contiguous, finite
   * @param rows all of the weight where {@link #needsWholeWeight}, else any
   */
  void prune(float[] weights, int rows);

  /** Whether rows depend on each other. */
  boolean needsWholeWeight();
}
