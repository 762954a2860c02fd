package org.sparkao.quant.calibrated;

import org.sparkao.quant.dense.InverseFactor.Symmetric;

/**
 * X^T X of the inputs X [tokens, K] of a linear layer, or any positive multiple of it: GPTQ and AWQ
 * do not depend on the multiple but for rounding.
 *
 * @param columns K
 * @param values element [i, j] for i at most j
 */
public record SecondMoments(int columns, Symmetric values) {

  /** Of a matrix in an array, [K, K]. */
  public static SecondMoments of(float[] matrix, int columns) {
    return new SecondMoments(columns, (i, j) -> matrix[i * columns + j]);
  }

  /** Element [i, j], in any order of indices. */
  public float at(int i, int j) {
    return values.at(Math.min(i, j), Math.max(i, j));
  }

  /** Mean of the diagonal. */
  double meanDiagonal() {
    double sum = 0;
    for (int i = 0; i < columns; i++) {
      sum += at(i, i);
    }
    return sum / columns;
  }
}
