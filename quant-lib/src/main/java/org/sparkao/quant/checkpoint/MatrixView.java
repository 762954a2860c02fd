package org.sparkao.quant.checkpoint;

import java.io.Serializable;
import java.util.Objects;

/**
 * Which part of a tensor is the weight [N, K] of a linear layer.
 *
 * @param matrix index into the first axis of a tensor of three axes; 0 for one of two
 * @param axes which of N and K comes first on disk
 * @param rowBegin first row of N that counts
 * @param rowEnd one past the last row of N that counts
 */
public record MatrixView(long matrix, Axes axes, long rowBegin, long rowEnd)
    implements Serializable {

  /** Order of the last two axes on disk. */
  public enum Axes {
    /** [N, K]: output features first, K contiguous. */
    ROWS_FIRST,
    /** [K, N]: input features first, N contiguous; read transposed. */
    COLUMNS_FIRST
  }

  /** Neither negative nor empty. */
  public MatrixView {
    Objects.requireNonNull(axes, "axes");
    if (matrix < 0 || rowBegin < 0 || rowEnd <= rowBegin) {
      throw new IllegalArgumentException(
          "matrix " + matrix + ", rows [" + rowBegin + ", " + rowEnd + ")");
    }
  }

  /** Number of rows that count. */
  public long rows() {
    return rowEnd - rowBegin;
  }
}
