package org.sparkao.gpu.model.cpu;

import java.util.List;
import java.util.Optional;
import org.sparkao.gpu.model.LinearWeight;
import org.sparkao.gpu.model.ProjectionSpec.After;
import org.sparkao.gpu.model.StoredTensor;

/** Makes matrices of stored weights. */
final class MatrixLoader {
  private final Product product;

  MatrixLoader(Product product) {
    this.product = product;
  }

  /**
   * Weights that read the same x, stacked along N; for SwiGLU, gate and up in turns of half a
   * panel.
   */
  CpuMatrix load(List<LinearWeight> weights, After after) {
    int k = weights.get(0).k();
    int total = weights.stream().mapToInt(LinearWeight::n).sum();
    boolean pairs = after == After.SWIGLU;
    int n = pairs ? 2 * Lanes.roundUp(weights.get(0).n(), Lanes.WIDTH) : total;
    Panels panels = Panels.zeros(n, k);
    boolean biased = weights.stream().anyMatch(weight -> weight.bias().isPresent());
    float[] bias = new float[biased ? Lanes.roundUp(n, Panels.COLUMNS) : 0];
    int first = 0;
    for (int part = 0; part < weights.size(); part++) {
      LinearWeight weight = weights.get(part);
      Rows rows = pairs ? new Rows(part * Lanes.WIDTH, true) : new Rows(first, false);
      fill(panels, rows, weight);
      if (weight.bias().isPresent()) {
        float[] values = StoredFloats.all(weight.bias().get());
        for (int i = 0; i < values.length; i++) {
          bias[rows.place(i)] = values[i];
        }
      }
      first += weight.n();
    }
    Optional<Bias> added = biased ? Optional.of(new Bias(bias)) : Optional.empty();
    return new Fp32Matrix(product, panels, added, Optional.empty(), "fp32");
  }

  /** Weights that are laid out already, without bias. */
  CpuMatrix matrix(Panels panels) {
    return new Fp32Matrix(product, panels, Optional.empty(), Optional.empty(), "fp32");
  }

  /** Where the rows of one of several weights are. */
  private record Rows(int first, boolean halves) {
    int place(int row) {
      return halves ? row / Lanes.WIDTH * Panels.COLUMNS + first + row % Lanes.WIDTH : first + row;
    }
  }

  private static void fill(Panels panels, Rows rows, LinearWeight weight) {
    StoredFloats numbers = DequantizedWeight.open(weight);
    float[] row = new float[weight.k()];
    for (int i = 0; i < weight.n(); i++) {
      numbers.next(row);
      panels.put(rows.place(i), row, 0);
    }
  }

  /** A plain table [rows, columns]. */
  static Panels table(StoredTensor table) {
    int n = Math.toIntExact(table.shape().get(0));
    int k = Math.toIntExact(table.shape().get(1));
    Panels panels = Panels.zeros(n, k);
    StoredFloats numbers = StoredFloats.of(table);
    float[] row = new float[k];
    for (int i = 0; i < n; i++) {
      numbers.next(row);
      panels.put(i, row, 0);
    }
    return panels;
  }
}
