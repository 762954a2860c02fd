package org.sparkao.gpu.train.cpu;

import org.sparkao.gpu.model.cpu.Cores;
import org.sparkao.gpu.model.cpu.Exponential;
import org.sparkao.gpu.model.cpu.Lanes;
import org.sparkao.gpu.tensor.HostTensor;
import org.sparkao.gpu.train.NormWeight;

/** Norms, biases and gates. */
final class RowOperators {
  /** Columns that are summed at the same time. */
  private static final int COLUMNS = 32;

  private final Cores cores;

  RowOperators(Cores cores) {
    this.cores = cores;
  }

  /** Adds the numbers of a vector to every row of y. */
  void addToAll(HostTensor vector, HostTensor y) {
    float[] from = vector.array();
    float[] to = y.array();
    cores.rows(
        y.rows(),
        index -> {
          int at = y.at(index);
          int shift = vector.offset();
          for (int i = 0; i < y.columns(); i++) {
            to[at + i] += from[shift + i];
          }
        });
  }

  /** Adds every row of x to a vector. */
  void addColumns(HostTensor x, HostTensor sums) {
    columns(
        x.columns(),
        (begin, end) -> {
          float[] from = x.array();
          float[] total = new float[end - begin];
          for (int row = 0; row < x.rows(); row++) {
            int at = x.at(row) + begin;
            for (int i = 0; i < total.length; i++) {
              total[i] += from[at + i];
            }
          }
          addTo(sums, begin, total);
        });
  }

  void norm(HostTensor x, NormWeight norm, HostTensor y) {
    HostTensor weight = HostTensor.of(norm.weight());
    float[] from = x.array();
    float[] to = y.array();
    float[] factors = weight.array();
    int first = weight.offset();
    int count = x.columns();
    cores.rows(
        x.rows(),
        row -> {
          int source = x.at(row);
          int target = y.at(row);
          float root = RowMath.inverseRoot(from, source, count, norm.epsilon());
          for (int i = 0; i < count; i++) {
            to[target + i] = from[source + i] * root * factors[first + i];
          }
        });
  }

  /**
   * With n = x * root: dx += root * (g - n * mean(g * n)), where g = dy * weight; dweight += dy *
   * n.
   */
  void normGradient(HostTensor x, NormWeight norm, HostTensor dy, HostTensor dx) {
    float[] roots = new float[x.rows()];
    HostTensor weight = HostTensor.of(norm.weight());
    cores.rows(
        x.rows(),
        row -> {
          roots[row] = RowMath.inverseRoot(x.array(), x.at(row), x.columns(), norm.epsilon());
          NormRow.addGradient(
              new NormRow.Input(x.array(), x.at(row), roots[row]),
              weight,
              dy.array(),
              dy.at(row),
              dx.array(),
              dx.at(row));
        });
    norm.gradient().ifPresent(g -> addWeightGradient(x, roots, dy, HostTensor.of(g)));
  }

  private void addWeightGradient(HostTensor x, float[] roots, HostTensor dy, HostTensor gradient) {
    columns(
        x.columns(),
        (begin, end) -> {
          float[] from = x.array();
          float[] factors = dy.array();
          float[] total = new float[end - begin];
          for (int row = 0; row < x.rows(); row++) {
            int at = x.at(row) + begin;
            int factor = dy.at(row) + begin;
            float root = roots[row];
            for (int i = 0; i < total.length; i++) {
              total[i] += from[at + i] * root * factors[factor + i];
            }
          }
          addTo(gradient, begin, total);
        });
  }

  void gate(HostTensor gateUp, HostTensor y) {
    int count = y.columns();
    float[] from = gateUp.array();
    float[] to = y.array();
    cores.rows(
        y.rows(),
        row -> {
          int gate = gateUp.at(row);
          int up = gate + count;
          int at = y.at(row);
          float[] powers = powers(from, gate, count);
          for (int i = 0; i < count; i++) {
            to[at + i] = from[gate + i] / (1 + powers[i]) * from[up + i];
          }
        });
  }

  /** With s = sigmoid(gate): dgate = dy * up * s * (1 + gate * (1 - s)), dup = dy * gate * s. */
  void gateGradient(HostTensor gateUp, HostTensor dy, HostTensor dGateUp) {
    int count = dy.columns();
    float[] from = gateUp.array();
    float[] given = dy.array();
    float[] to = dGateUp.array();
    cores.rows(
        dy.rows(),
        row -> {
          int gate = gateUp.at(row);
          int up = gate + count;
          int at = dy.at(row);
          int target = dGateUp.at(row);
          float[] powers = powers(from, gate, count);
          for (int i = 0; i < count; i++) {
            float s = 1 / (1 + powers[i]);
            float d = given[at + i] * s;
            float g = from[gate + i];
            to[target + i] = d * from[up + i] * (1 + g * (1 - s));
            to[target + count + i] = d * g;
          }
        });
  }

  /** exp(-x). */
  private static float[] powers(float[] x, int at, int count) {
    float[] powers = new float[Lanes.roundUp(count, Lanes.WIDTH)];
    System.arraycopy(x, at, powers, 0, count);
    Exponential.apply(powers, 0, powers.length, 0, -1);
    return powers;
  }

  /** Does something to columns begin to end - 1. */
  private interface SomeColumns {
    void run(int begin, int end);
  }

  private void columns(int count, SomeColumns some) {
    cores.run(
        (count + COLUMNS - 1) / COLUMNS,
        (worker, piece) -> some.run(piece * COLUMNS, Math.min(count, (piece + 1) * COLUMNS)));
  }

  private static void addTo(HostTensor vector, int begin, float[] total) {
    for (int i = 0; i < total.length; i++) {
      vector.array()[vector.offset() + begin + i] += total[i];
    }
  }
}
