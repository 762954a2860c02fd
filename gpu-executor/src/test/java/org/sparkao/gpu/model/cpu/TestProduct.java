package org.sparkao.gpu.model.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Products against one chain of fused multiply-adds after the other, whatever loop there is. */
class TestProduct {
  @ParameterizedTest
  @CsvSource({
    "1, 40, 33",
    "7, 300, 16",
    "31, 64, 48",
    "45, 300, 72",
    "260, 600, 80",
    "500, 33, 15"
  })
  void isOneChainInTheOrderOfK(int rows, int k, int n) {
    Random random = new Random(rows);
    float[] x = numbers(random, Product.rowsInMemory(rows) * k);
    float[] w = numbers(random, n * k);
    Panels panels = Panels.zeros(n, k);
    for (int i = 0; i < n; i++) {
      panels.put(i, w, i * k);
    }
    float[] y = new float[rows * n];
    try (Cores cores = new Cores(2)) {
      new Product(cores)
          .run(
              panels,
              x,
              rows,
              Product.Sums.FP32,
              (panel, firstRow, count, sums) -> {
                for (int row = 0; row < count; row++) {
                  System.arraycopy(
                      sums,
                      row * Panels.COLUMNS,
                      y,
                      (firstRow + row) * n + panel * Panels.COLUMNS,
                      panels.columns(panel));
                }
              });
    }
    for (int row = 0; row < rows; row++) {
      for (int column = 0; column < n; column++) {
        float expected = 0;
        for (int i = 0; i < k; i++) {
          expected = Math.fma(x[row * k + i], w[column * k + i], expected);
        }
        assertThat(y[row * n + column]).as("%d %d", row, column).isEqualTo(expected);
      }
    }
  }

  private static float[] numbers(Random random, int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }
}
