package org.sparkao.gpu.model.cpu;

/** The bias of a matrix, in the order of its panels. */
final class Bias {
  private static final int C = Panels.COLUMNS;

  private final float[] values;

  /** Filled to whole panels. */
  Bias(float[] values) {
    this.values = values;
  }

  /** An output that adds it first. */
  Product.Finish before(Product.Finish output) {
    return (panel, firstRow, rows, sums) -> {
      int first = panel * C;
      for (int row = 0; row < rows; row++) {
        int from = row * C;
        for (int i = 0; i < C; i++) {
          sums[from + i] += values[first + i];
        }
      }
      output.accept(panel, firstRow, rows, sums);
    };
  }
}
