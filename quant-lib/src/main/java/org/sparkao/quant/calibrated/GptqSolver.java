package org.sparkao.quant.calibrated;

import org.sparkao.quant.algorithm.TensorQuantizer;
import org.sparkao.quant.algorithm.WeightGrid;

/**
 * Rounds the rows of one weight column after column, and passes errors on: the inner loop of GPTQ,
 * on some device. Scales, packing and statistics are none of its business. One instance a tensor
 * and a thread.
 */
public interface GptqSolver {

  /** Takes what became of the rows of a slice, in order. */
  @FunctionalInterface
  interface Rows {
    /**
     * Takes one row.
     *
     * @param row of the slice
     * @param steps [K] by column, as {@link WeightGrid#write} wants them; valid during the call
     * @param loss half the sum of squared errors, each divided by its element of the factor
     */
    void take(int row, float[] steps, double loss);
  }

  /**
   * Rounds a slice whose scales the grid has chosen; rows that are {@link WeightGrid#broken} and
   * columns that are dead count as zeros.
   *
   * @param source the weights, little endian, K contiguous, from {@code offset} on
   */
  void solve(byte[] source, int offset, int rows, Rows out);

  /** Bytes of weights that it likes to get at a time. */
  default int sliceBytes() {
    return TensorQuantizer.SLICE_BYTES;
  }

  /** Makes solvers. */
  @FunctionalInterface
  interface Factory {
    /**
     * A solver for one weight.
     *
     * @param grid what weights may become
     * @param groups of each column
     */
    GptqSolver of(WeightGrid grid, int[] groups);
  }
}
