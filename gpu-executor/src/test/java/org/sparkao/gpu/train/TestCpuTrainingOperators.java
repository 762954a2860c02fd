package org.sparkao.gpu.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.tensor.Tensor;
import org.sparkao.gpu.train.cpu.CpuTrainingOperators;

class TestCpuTrainingOperators extends AbstractTestTrainingOperators {
  @Override
  TrainingOperators open() {
    return new CpuTrainingOperators(CpuDevice.open(), 2);
  }

  @Override
  double tolerance() {
    return 5e-6;
  }

  @Override
  int step() {
    return 6;
  }

  /** Depth, rows and columns in several pieces of work. */
  @Test
  void largeProducts() {
    int rows = 701;
    int k = 611;
    int n = 53;
    double[] x = numbers(rows * k);
    double[] w = numbers(n * k);
    double[] dy = numbers(rows * n);
    Tensor y = put(rows, new double[rows * n]);
    operators().product(put(rows, x), put(n, w), Optional.empty(), y);
    assertClose("y", y, InDoubles.product(x, w, null, k));
    Tensor dx = put(rows, new double[rows * k]);
    operators().inputGradient(put(rows, dy), put(n, w), dx);
    assertClose("dx", dx, InDoubles.product(dy, transposed(w, k), null, n));
    Tensor dw = put(n, new double[n * k]);
    operators().weightGradient(put(rows, dy), put(rows, x), dw);
    assertClose("dw", dw, InDoubles.product(transposed(dy, n), transposed(x, k), null, rows));
  }

  private static double[] transposed(double[] x, int columns) {
    double[] y = new double[x.length];
    int rows = x.length / columns;
    for (int i = 0; i < x.length; i++) {
      y[i % columns * rows + i / columns] = x[i];
    }
    return y;
  }

  @Test
  void tensorsCountInTheBudget() {
    long before = operators().device().budget().inUse();
    try (Tensor tensor = operators().allocate(2, 5)) {
      assertThat(operators().device().budget().inUse() - before).isEqualTo(4 * 5 * 5);
      tensor.slice(0, 1).close();
      assertThat(tensor.toFloats()).containsOnly(0).hasSize(10);
    }
    assertThat(operators().device().budget().inUse()).isEqualTo(before);
  }
}
