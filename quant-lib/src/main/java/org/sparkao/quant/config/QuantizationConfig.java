package org.sparkao.quant.config;

import java.util.List;
import java.util.Optional;
import java.util.function.BiPredicate;

/**
 * The part of {@code quantization_config} that loaders act on.
 *
 * @param method {@code quant_method}
 * @param groups in file order
 * @param ignore what stays as it is
 */
public record QuantizationConfig(
    String method, List<QuantizedGroup> groups, List<ModulePattern> ignore) {

  /** Takes copies of the lists. */
  public QuantizationConfig {
    groups = List.copyOf(groups);
    ignore = List.copyOf(ignore);
  }

  /** Whether the ignore list names the module. */
  public boolean ignores(NamedModule module) {
    return ignore.stream().anyMatch(entry -> entry.names(module) || entry.isClassOf(module));
  }

  /**
   * The group whose rules hold for the module, whether or not it is ignored: names and expressions
   * come before classes, as both loaders look them up.
   */
  public Optional<QuantizedGroup> group(NamedModule module) {
    return first(module, ModulePattern::names)
        .or(() -> first(module, (entry, target) -> entry.isClassOf(target)));
  }

  private Optional<QuantizedGroup> first(
      NamedModule module, BiPredicate<ModulePattern, NamedModule> matches) {
    return groups.stream()
        .filter(group -> group.targets().stream().anyMatch(entry -> matches.test(entry, module)))
        .findFirst();
  }
}
