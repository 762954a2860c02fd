package org.sparkao.gpu.model;

import java.util.List;
import java.util.function.Consumer;
import org.sparkao.gpu.device.Buffer;

/** Rows of hidden states, and what is done to all of their elements. */
final class ReferenceRows {
  private ReferenceRows() {}

  static float[][] read(Buffer x, int rows, int columns, Arithmetic arithmetic) {
    ReferenceNumbers numbers = new ReferenceNumbers(x, arithmetic);
    float[][] all = new float[rows][columns];
    for (int row = 0; row < rows; row++) {
      numbers.read((long) row * columns, all[row]);
    }
    return all;
  }

  static void each(float[][] rows, Consumer<float[]> change) {
    for (float[] row : rows) {
      change.accept(row);
    }
  }

  /** silu(gate) * up. */
  static double[][] swiglu(double[][] gate, double[][] up) {
    double[][] result = new double[gate.length][];
    for (int row = 0; row < gate.length; row++) {
      result[row] = new double[gate[row].length];
      for (int i = 0; i < result[row].length; i++) {
        result[row][i] = gate[row][i] / (1 + Math.exp(-gate[row][i])) * up[row][i];
      }
    }
    return result;
  }

  /** Results side by side. */
  static double[][] stacked(List<double[][]> parts) {
    int columns = parts.stream().mapToInt(part -> part[0].length).sum();
    double[][] result = new double[parts.get(0).length][columns];
    for (int row = 0; row < result.length; row++) {
      int at = 0;
      for (double[][] part : parts) {
        System.arraycopy(part[row], 0, result[row], at, part[row].length);
        at += part[row].length;
      }
    }
    return result;
  }

  static void write(double[][] rows, Buffer y, Arithmetic arithmetic) {
    ReferenceNumbers out = new ReferenceNumbers(y, arithmetic);
    long at = 0;
    for (double[] row : rows) {
      for (double value : row) {
        out.put(at++, value);
      }
    }
  }

  static void add(double[][] rows, Buffer y, Arithmetic arithmetic) {
    ReferenceNumbers out = new ReferenceNumbers(y, arithmetic);
    long at = 0;
    for (double[] row : rows) {
      for (double value : row) {
        out.put(at, out.get(at) + value);
        at++;
      }
    }
  }
}
