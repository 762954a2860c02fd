package org.sparkao.gpu.optimizer;

import org.sparkao.gpu.tensor.HostTensor;
import org.sparkao.gpu.tensor.Tensor;
import org.sparkao.quant.observe.Workers;

/**
 * On the processor: pieces of 4,096 elements, within a piece four sums of every fourth element,
 * pieces in order. Bits do not depend on the threads.
 */
public final class HostGradientSquares implements GradientSquares {
  private static final int PIECE = 4096;
  private static final int SUMS = 4;

  private final Workers workers;

  /**
   * Sums on the threads of {@code workers}.
   *
   * @param workers run parts of a tensor
   */
  public HostGradientSquares(Workers workers) {
    this.workers = workers;
  }

  @Override
  public double sum(Tensor gradient) {
    HostTensor host = HostTensor.of(gradient);
    int count = Math.toIntExact(gradient.elements());
    double[] parts = new double[(count + PIECE - 1) / PIECE];
    workers.run(
        parts.length,
        piece -> {
          int begin = host.offset() + piece * PIECE;
          int end = host.offset() + Math.min(count, (piece + 1) * PIECE);
          parts[piece] = squares(host.array(), begin, end);
        });
    double sum = 0;
    for (double part : parts) {
      sum += part;
    }
    return sum;
  }

  private static double squares(float[] values, int begin, int end) {
    double[] sums = new double[SUMS];
    for (int i = begin; i < end; i++) {
      sums[(i - begin) % SUMS] += (double) values[i] * values[i];
    }
    return sums[0] + sums[1] + (sums[2] + sums[3]);
  }
}
