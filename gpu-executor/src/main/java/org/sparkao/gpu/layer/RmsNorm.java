package org.sparkao.gpu.layer;

import org.sparkao.gpu.device.Buffer;

/**
 * RMSNorm (Zhang and Sennrich 2019) as transformers computes it: y = bf16(x / sqrt(mean(x^2) +
 * epsilon)) * weight, rounded to bf16 again. x and y are [rows, columns], columns contiguous and a
 * multiple of 8.
 */
public interface RmsNorm {
  /** Longest row. */
  int MOST_COLUMNS = 16384;

  /** Norms rows of x; y may be x. */
  void norm(Buffer x, NormWeight weight, Buffer y, int rows);

  /** Adds x to the residual, in place and rounded to bf16, and norms the sum; y may be x. */
  void addAndNorm(Buffer x, Buffer residual, NormWeight weight, Buffer y, int rows);

  /**
   * The parameters of a norm.
   *
   * @param values [columns] bf16; not written by the kernel launched just before, which it does not
   *     wait for
   * @param columns elements of a row
   * @param epsilon added to the mean of squares
   */
  record NormWeight(Buffer values, int columns, float epsilon) {
    /** Checks the length. */
    public NormWeight {
      LayerShapes.checkMultiple("row length", columns, LayerShapes.OCTET);
      LayerShapes.checkAtMost("row length", columns, MOST_COLUMNS);
      LayerShapes.checkBf16("norm weight", values, columns);
    }

    void check(String what, Buffer buffer, int rows) {
      LayerShapes.checkPositive("rows", rows);
      LayerShapes.checkBf16(what, buffer, (long) rows * columns);
    }
  }
}
