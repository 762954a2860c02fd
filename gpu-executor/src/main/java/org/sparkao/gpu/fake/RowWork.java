package org.sparkao.gpu.fake;

import org.sparkao.gpu.tensor.HostTensor;
import org.sparkao.quant.algorithm.FakeQuantizer;
import org.sparkao.quant.observe.Workers;

/** Deals the rows of a matrix to threads, never a band of rows that share scales to two. */
final class RowWork {
  /** Rows that one thread takes at a time, about. */
  private static final int ROWS = 64;

  private final Workers workers;

  RowWork(Workers workers) {
    this.workers = workers;
  }

  /** Works on rows [begin, end). */
  interface Work {
    void run(int begin, int end);
  }

  /** Deals rows 0 .. rows - 1 in multiples of {@code bandRows}. */
  void run(int rows, int bandRows, Work work) {
    int step = (ROWS + bandRows - 1) / bandRows * bandRows;
    workers.run(
        (rows + step - 1) / step,
        piece -> work.run(piece * step, Math.min(rows, (piece + 1) * step)));
  }

  /** Rows [begin, end) of a tensor as quant-lib takes them. */
  static FakeQuantizer.Rows rows(HostTensor tensor, int begin, int end) {
    return new FakeQuantizer.Rows(tensor.array(), tensor.at(begin), begin, end - begin);
  }
}
