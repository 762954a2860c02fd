package org.sparkao.gpu.gemm;

/** Which elements of an operand share a factor. Scales are fp32. */
public enum Scaling {
  /** No scales: factor 1. */
  NONE,
  /** One for all: [1]. */
  TENSOR,
  /** One a row: [M] of X, [N] of W (per channel). */
  ROW,
  /**
   * One for 128 neighbours of a row of X, [M, ceil(K / 128)], and one for 128 rows times 128
   * columns of W, [ceil(N / 128), ceil(K / 128)], blocks of K contiguous.
   */
  BLOCK;

  /** Length of a block. */
  static final int BLOCK_LENGTH = 128;
}
