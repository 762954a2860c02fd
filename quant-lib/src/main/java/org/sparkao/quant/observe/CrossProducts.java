package org.sparkao.quant.observe;

/** Adds X^T X, the unscaled Hessian of a linear layer's squared error. */
@FunctionalInterface
public interface CrossProducts {
  /**
   * Adds the products of some rows to a sum, row after row, so that the bits do not depend on who
   * works.
   *
   * @param x rows of K numbers
   * @param offset of the first row
   * @param rows to be added
   * @param sum [K, K], symmetric before and after
   */
  void add(float[] x, int offset, int rows, float[] sum);
}
