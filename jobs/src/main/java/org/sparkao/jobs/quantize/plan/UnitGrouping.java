package org.sparkao.jobs.quantize.plan;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.sparkao.jobs.quantize.plan.TensorTask.Copy;
import org.sparkao.jobs.quantize.plan.TensorTask.Quantize;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.scheme.QuantScheme;

/**
 * Puts layers that loaders fuse, or that are smoothed by one another, into one unit, so that what
 * they share is found inside one task, and refuses fused layers that differ in scheme: loaders know
 * one scheme for a fused layer.
 */
final class UnitGrouping {
  private final Map<String, QuantScheme> schemes;
  private final Map<String, Copy> inputScales;
  private final Map<String, String> smoothed = new HashMap<>();

  UnitGrouping(
      Map<String, QuantScheme> schemes,
      Map<String, Copy> inputScales,
      List<SmoothedPair> smoothing) {
    this.schemes = schemes;
    this.inputScales = inputScales;
    for (SmoothedPair pair : smoothing) {
      smoothed.put(pair.previous(), pair.unit());
      pair.balanced().forEach(weight -> smoothed.put(weight.module(), pair.unit()));
    }
  }

  /** Units in the order of their first tensor. */
  List<ShardTask.Unit> units(List<TensorTask> tasks) {
    Map<String, List<TensorTask>> units = new LinkedHashMap<>();
    Map<String, List<TensorTask>> fused = new LinkedHashMap<>();
    for (TensorTask task : tasks) {
      Optional<String> group =
          weight(task) ? LinearModules.fusedGroup(task.module()) : Optional.empty();
      group.ifPresent(name -> fused.computeIfAbsent(name, n -> new ArrayList<>()).add(task));
      String unitName =
          Optional.ofNullable(weight(task) ? smoothed.get(task.module()) : null)
              .or(() -> group)
              .orElse("=" + outputName(task));
      List<TensorTask> unit = units.computeIfAbsent(unitName, name -> new ArrayList<>());
      unit.add(task);
      if (task instanceof Quantize && inputScales.containsKey(task.module())) {
        unit.add(inputScales.get(task.module()));
      }
    }
    fused.values().forEach(this::requireOneScheme);
    return units.values().stream().map(ShardTask.Unit::new).toList();
  }

  private static boolean weight(TensorTask task) {
    return !(task instanceof Copy copy) || copy.tensor().entry().name().endsWith(".weight");
  }

  private static String outputName(TensorTask task) {
    return task instanceof Copy copy ? copy.tensor().entry().name() : task.module();
  }

  private void requireOneScheme(List<TensorTask> unit) {
    Map<String, List<String>> bySchemes =
        unit.stream()
            .collect(
                Collectors.groupingBy(
                    task ->
                        Optional.ofNullable(schemes.get(task.module()))
                            .map(QuantScheme::name)
                            .orElse("as it is"),
                    LinkedHashMap::new,
                    Collectors.mapping(TensorTask::module, Collectors.toList())));
    if (bySchemes.size() > 1) {
      throw new QuantException(
          "layers that loaders fuse must have one scheme, but these differ: "
              + bySchemes.entrySet().stream()
                  .map(entry -> String.join(", ", entry.getValue()) + " " + entry.getKey())
                  .collect(Collectors.joining("; "))
              + "; write the rule so that it matches all of them or none");
    }
  }
}
