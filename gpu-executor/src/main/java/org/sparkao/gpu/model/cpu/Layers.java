package org.sparkao.gpu.model.cpu;

import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.sparkao.gpu.model.LinearWeight;
import org.sparkao.gpu.model.ProjectionSpec.After;

/**
 * Linear layers that read the same x, and what happens to their product: one matrix where all are
 * computed alike, else one for each run of weights that are.
 */
final class Layers {
  private final List<Part> parts;
  private final int columns;
  private final After after;
  private final Product product;
  private final Workspace workspace;

  private Layers(List<Part> parts, int columns, After after, Product product, Workspace workspace) {
    this.parts = List.copyOf(parts);
    this.columns = columns;
    this.after = after;
    this.product = product;
    this.workspace = workspace;
  }

  /** A matrix and how many elements of a row it gives. */
  private record Part(CpuMatrix matrix, int columns) {}

  /** Loads weights. */
  static Layers load(
      List<LinearWeight> weights, After after, Product product, Workspace workspace) {
    MatrixLoader loader = new MatrixLoader(product);
    List<StoredMatrix> stored = weights.stream().map(StoredMatrix::of).toList();
    boolean alike = stored.stream().map(StoredMatrix::treatment).distinct().count() == 1;
    int n = MatrixLoader.Order.STACKED.rows(stored);
    if (after == After.SWIGLU && alike) {
      CpuMatrix pairs = loader.load(stored, MatrixLoader.Order.PAIRED);
      return new Layers(List.of(new Part(pairs, n / 2)), n / 2, after, product, workspace);
    }
    List<Part> parts = new ArrayList<>();
    for (List<StoredMatrix> run : alike ? List.of(stored) : runs(stored)) {
      parts.add(
          new Part(
              loader.load(run, MatrixLoader.Order.STACKED), MatrixLoader.Order.STACKED.rows(run)));
    }
    return new Layers(parts, after == After.SWIGLU ? n / 2 : n, after, product, workspace);
  }

  private static List<List<StoredMatrix>> runs(List<StoredMatrix> all) {
    List<List<StoredMatrix>> runs = new ArrayList<>();
    for (StoredMatrix one : all) {
      List<StoredMatrix> last = runs.isEmpty() ? List.of() : runs.get(runs.size() - 1);
      if (last.isEmpty() || !last.get(0).treatment().equals(one.treatment())) {
        last = new ArrayList<>();
        runs.add(last);
      }
      last.add(one);
    }
    return runs;
  }

  /** A table that is laid out already. */
  static Layers of(Panels table, After after, Product product, Workspace workspace) {
    CpuMatrix matrix = new MatrixLoader(product).matrix(table);
    return new Layers(List.of(new Part(matrix, table.n())), table.n(), after, product, workspace);
  }

  /** Input features. */
  int k() {
    return parts.get(0).matrix().k();
  }

  /** Elements of a row of results. */
  int columns() {
    return columns;
  }

  /** How they are computed. */
  String numerics() {
    return parts.stream()
        .map(part -> part.matrix().numerics())
        .distinct()
        .collect(Collectors.joining(", "));
  }

  /**
   * Computes.
   *
   * @param x [{@link Product#rowsInMemory}, K] fp32; what is in it afterwards is undefined
   * @param y [rows, {@link #columns}]
   */
  void apply(float[] x, int rows, FloatBuffer y) {
    if (parts.size() == 1) {
      parts
          .get(0)
          .matrix()
          .multiply(x, rows, new RowOutput(y, RowOutput.Columns.all(columns), after));
    } else if (after == After.SWIGLU) {
      float[] pairs = workspace.take(Workspace.Use.PAIRS, rows, 2 * columns);
      each(x, rows, FloatBuffer.wrap(pairs), 2 * columns, After.NOTHING);
      product.cores().rows(rows, row -> y.put(row * columns, paired(pairs, row)));
    } else {
      each(x, rows, y, columns, after);
    }
  }

  private void each(float[] x, int rows, FloatBuffer y, int stride, After then) {
    int first = 0;
    for (Part part : parts) {
      float[] copy = workspace.take(Workspace.Use.COPY, rows, k());
      System.arraycopy(x, 0, copy, 0, rows * k());
      RowOutput.Columns place = new RowOutput.Columns(stride, first, part.columns());
      part.matrix().multiply(copy, rows, new RowOutput(y, place, then));
      first += part.columns();
    }
  }

  private float[] paired(float[] pairs, int row) {
    float[] result = new float[columns];
    int gate = row * 2 * columns;
    float[] powers = new float[Lanes.roundUp(columns, Lanes.WIDTH)];
    System.arraycopy(pairs, gate, powers, 0, columns);
    Exponential.apply(powers, 0, powers.length, 0, -1);
    for (int i = 0; i < columns; i++) {
      result[i] = pairs[gate + i] / (1 + powers[i]) * pairs[gate + columns + i];
    }
    return result;
  }
}
