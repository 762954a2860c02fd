package org.sparkao.gpu.train.cpu;

import org.sparkao.gpu.model.cpu.Cores;
import org.sparkao.gpu.tensor.HostTensor;

/** What is done to all elements alike. */
final class WholeTensors {
  /** Elements of a piece of work. */
  private static final int PIECE = 1 << 15;

  private final Cores cores;

  WholeTensors(Cores cores) {
    this.cores = cores;
  }

  void add(HostTensor x, float factor, HostTensor y) {
    float[] from = x.array();
    float[] to = y.array();
    int shift = x.offset() - y.offset();
    pieces(
        y,
        (index, begin, end) -> {
          for (int i = begin; i < end; i++) {
            to[i] += factor * from[i + shift];
          }
        });
  }

  void multiply(HostTensor x, HostTensor y) {
    float[] from = x.array();
    float[] to = y.array();
    int shift = x.offset() - y.offset();
    pieces(
        y,
        (index, begin, end) -> {
          for (int i = begin; i < end; i++) {
            to[i] *= from[i + shift];
          }
        });
  }

  void scale(HostTensor x, float factor) {
    float[] all = x.array();
    pieces(
        x,
        (index, begin, end) -> {
          for (int i = begin; i < end; i++) {
            all[i] *= factor;
          }
        });
  }

  double squaredNorm(HostTensor x) {
    float[] all = x.array();
    double[] sums = new double[(int) ((x.elements() + PIECE - 1) / PIECE)];
    pieces(
        x, (index, begin, end) -> sums[index] = RowMath.dot(all, begin, all, begin, end - begin));
    double total = 0;
    for (double sum : sums) {
      total += sum;
    }
    return total;
  }

  /** Does something to elements begin to end - 1 of the array. */
  private interface Piece {
    void run(int index, int begin, int end);
  }

  private void pieces(HostTensor x, Piece piece) {
    int last = x.at(x.rows());
    int count = (int) ((x.elements() + PIECE - 1) / PIECE);
    cores.run(
        count,
        (worker, index) -> {
          int begin = x.offset() + index * PIECE;
          piece.run(index, begin, Math.min(last - begin, PIECE) + begin);
        });
  }
}
