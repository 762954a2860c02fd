package org.sparkao.gpu.model.cpu;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.function.Supplier;
import org.sparkao.gpu.model.ExecutionForm;
import org.sparkao.gpu.model.HostDequantizer;
import org.sparkao.gpu.model.LinearWeight;

/**
 * A stored weight, and how it is computed.
 *
 * @param weight the weight
 * @param treatment what it has in common with weights that it may be stacked with
 */
record StoredMatrix(LinearWeight weight, Treatment treatment) {
  private static final String PLAIN = "fp32";

  /**
   * How a weight is computed.
   *
   * @param exact whether int8 codes are multiplied, with a scale a row
   */
  record Treatment(CpuActivations activations, boolean exact, String numerics) {}

  static StoredMatrix of(LinearWeight weight) {
    if (weight.form() instanceof LinearWeight.Quantized quantized) {
      ExecutionForm form = ExecutionForm.of(quantized.request().scheme());
      CpuActivations activations = CpuActivations.of(form.activations(), quantized);
      boolean exact = form.sumsIntegers();
      String numerics = exact ? form.sentence() + ", exact sums" : form.sentence() + ", in fp32";
      return new StoredMatrix(weight, new Treatment(activations, exact, numerics));
    }
    return new StoredMatrix(weight, plain());
  }

  static Treatment plain() {
    return new Treatment(CpuActivations.unquantized(), false, PLAIN);
  }

  /** Gives rows to {@code panels}, at the places that {@code places} says. */
  void fill(Panels panels, Places places) {
    float[] row = new float[weight.k()];
    if (treatment.exact()) {
      ByteBuffer codes = codes().get();
      for (int i = 0; i < weight.n(); i++) {
        for (int j = 0; j < row.length; j++) {
          row[j] = codes.get();
        }
        panels.put(places.of(i), row, 0);
      }
      return;
    }
    HostDequantizer numbers = HostDequantizer.of(weight);
    for (int i = 0; i < weight.n(); i++) {
      numbers.floats(i, 1, row, 0);
      panels.put(places.of(i), row, 0);
    }
  }

  private Supplier<ByteBuffer> codes() {
    return ((LinearWeight.Quantized) weight.form()).parts().get(0).bytes();
  }

  /** The scale of each row of exact codes. */
  float[] scales() {
    float[] stored = StoredFloats.all(((LinearWeight.Quantized) weight.form()).parts().get(1));
    if (stored.length == weight.n()) {
      return stored;
    }
    float[] all = new float[weight.n()];
    Arrays.fill(all, stored[0]);
    return all;
  }

  /** Where a row of the weight is among the rows of a matrix. */
  interface Places {
    int of(int row);
  }
}
