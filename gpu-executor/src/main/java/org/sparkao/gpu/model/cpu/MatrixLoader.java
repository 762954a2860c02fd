package org.sparkao.gpu.model.cpu;

import java.util.List;
import java.util.Optional;
import org.sparkao.gpu.model.LinearWeight;
import org.sparkao.gpu.model.StoredTensor;

/** Makes matrices of stored weights. */
final class MatrixLoader {
  private static final int C = Panels.COLUMNS;

  private final Product product;

  MatrixLoader(Product product) {
    this.product = product;
  }

  /** How rows of several weights are ordered in a matrix. */
  enum Order {
    /** One weight after the other. */
    STACKED {
      @Override
      int rows(List<StoredMatrix> weights) {
        return weights.stream().mapToInt(stored -> stored.weight().n()).sum();
      }

      @Override
      StoredMatrix.Places places(List<StoredMatrix> weights, int index) {
        int first = rows(weights.subList(0, index));
        return row -> first + row;
      }
    },
    /** Two weights in turns of half a panel: gate and up. */
    PAIRED {
      @Override
      int rows(List<StoredMatrix> weights) {
        return 2 * Lanes.roundUp(weights.get(0).weight().n(), Lanes.WIDTH);
      }

      @Override
      StoredMatrix.Places places(List<StoredMatrix> weights, int index) {
        int first = index * Lanes.WIDTH;
        return row -> row / Lanes.WIDTH * C + first + row % Lanes.WIDTH;
      }
    };

    abstract int rows(List<StoredMatrix> weights);

    abstract StoredMatrix.Places places(List<StoredMatrix> weights, int index);
  }

  /** Memory that a weight takes at most. */
  static long bytes(LinearWeight weight) {
    return Float.BYTES * (Lanes.roundUp(weight.n(), C) * (weight.k() + 2L));
  }

  /** Weights of one treatment that read the same x. */
  CpuMatrix load(List<StoredMatrix> weights, Order order) {
    int k = weights.get(0).weight().k();
    int n = order.rows(weights);
    Panels panels = Panels.zeros(n, k);
    float[] scales = new float[Lanes.roundUp(n, C)];
    float[] bias = new float[scales.length];
    boolean biased = false;
    StoredMatrix.Treatment treatment = weights.get(0).treatment();
    for (int index = 0; index < weights.size(); index++) {
      StoredMatrix stored = weights.get(index);
      StoredMatrix.Places places = order.places(weights, index);
      stored.fill(panels, places);
      if (treatment.exact()) {
        scatter(stored.scales(), places, scales);
      }
      Optional<StoredTensor> added = stored.weight().bias();
      biased |= added.isPresent();
      added.ifPresent(tensor -> scatter(StoredFloats.all(tensor), places, bias));
    }
    Optional<Bias> present = biased ? Optional.of(new Bias(bias)) : Optional.empty();
    return treatment.exact()
        ? new Int8Matrix(
            product, panels, scales, present, treatment.activations(), treatment.numerics())
        : new Fp32Matrix(product, panels, present, treatment.activations(), treatment.numerics());
  }

  private static void scatter(float[] values, StoredMatrix.Places places, float[] to) {
    for (int i = 0; i < values.length; i++) {
      to[places.of(i)] = values[i];
    }
  }

  /** Weights that are laid out already, without bias. */
  CpuMatrix matrix(Panels panels) {
    StoredMatrix.Treatment plain = StoredMatrix.plain();
    return new Fp32Matrix(product, panels, Optional.empty(), plain.activations(), plain.numerics());
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
