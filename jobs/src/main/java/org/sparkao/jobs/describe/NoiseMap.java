package org.sparkao.jobs.describe;

import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Worst signal to noise of each layer and type of module, in dB.
 *
 * @param types the types, by name
 * @param layers the layers, ascending
 * @param worst dB by type, then by layer; a type need not be in every layer
 */
record NoiseMap(List<String> types, List<Long> layers, Map<String, Map<Long, Double>> worst) {

  /** The map of a run; empty lists when nothing inside the layers was measured. */
  static NoiseMap of(RunDescription run) {
    Map<String, Map<Long, Double>> worst = new TreeMap<>();
    TreeSet<Long> layers = new TreeSet<>();
    for (TensorResult tensor : run.tensors()) {
      if (tensor.layer().isPresent()
          && tensor.error().filter(TensorResult.Error::measured).isPresent()) {
        long layer = tensor.layer().get();
        layers.add(layer);
        worst
            .computeIfAbsent(tensor.moduleType(), type -> new TreeMap<>())
            .merge(layer, tensor.error().get().sqnrDb(), Math::min);
      }
    }
    return new NoiseMap(List.copyOf(worst.keySet()), List.copyOf(layers), worst);
  }

  /** Whether there is nothing to show. */
  boolean isEmpty() {
    return types.isEmpty();
  }

  /** The value of a cell; empty when the layer has no such module. */
  OptionalDouble cell(String type, long layer) {
    Double value = worst.get(type).get(layer);
    return value == null ? OptionalDouble.empty() : OptionalDouble.of(value);
  }

  /** The least value. */
  double min() {
    return worst.values().stream()
        .flatMap(row -> row.values().stream())
        .mapToDouble(Double::doubleValue)
        .min()
        .orElseThrow();
  }

  /** The greatest value. */
  double max() {
    return worst.values().stream()
        .flatMap(row -> row.values().stream())
        .mapToDouble(Double::doubleValue)
        .max()
        .orElseThrow();
  }
}
