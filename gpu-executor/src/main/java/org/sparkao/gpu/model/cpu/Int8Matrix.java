package org.sparkao.gpu.model.cpu;

import java.util.Optional;

/** int8 codes times int8 codes with exact sums, scaled by row of x and row of W. */
final class Int8Matrix implements CpuMatrix {
  private static final int C = Panels.COLUMNS;

  private final Product product;
  private final Panels codes;
  private final float[] scales;
  private final Optional<Bias> bias;
  private final CpuActivations activations;
  private final String numerics;

  /**
   * Codes as whole numbers in fp32.
   *
   * @param scales of rows of W, filled to whole panels
   */
  Int8Matrix(
      Product product,
      Panels codes,
      float[] scales,
      Optional<Bias> bias,
      CpuActivations activations,
      String numerics) {
    this.product = product;
    this.codes = codes;
    this.scales = scales;
    this.bias = bias;
    this.activations = activations;
    this.numerics = numerics;
  }

  @Override
  public int k() {
    return codes.k();
  }

  @Override
  public void multiply(float[] x, int rows, Product.Finish output) {
    float[] ofRows = new float[rows];
    product
        .cores()
        .rows(rows, row -> ofRows[row] = activations.codes(x, row * k(), (row + 1) * k()));
    Product.Finish biased = bias.map(b -> b.before(output)).orElse(output);
    product.run(
        codes,
        x,
        rows,
        Product.Sums.INT32,
        (panel, firstRow, count, sums) -> {
          scale(panel, firstRow, count, sums, ofRows);
          biased.accept(panel, firstRow, count, sums);
        });
  }

  private void scale(int panel, int firstRow, int rows, float[] sums, float[] ofRows) {
    int first = panel * C;
    for (int row = 0; row < rows; row++) {
      float ofRow = ofRows[firstRow + row];
      int from = row * C;
      for (int i = 0; i < C; i++) {
        sums[from + i] *= ofRow * scales[first + i];
      }
    }
  }

  @Override
  public String numerics() {
    return numerics;
  }
}
