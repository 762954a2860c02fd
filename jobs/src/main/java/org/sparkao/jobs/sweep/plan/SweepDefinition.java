package org.sparkao.jobs.sweep.plan;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a sweep's file says.
 *
 * @param name of the sweep
 * @param output folder; empty when it is not said
 * @param axes values of each axis, in their order
 * @param options of all cells
 * @param rules for some, the last one that names a key wins
 * @param filters which combinations are cells
 * @param baselines pairs of scheme and algorithm that cells are compared with
 * @param significance below which a worse value is a regression
 * @param text of the file
 */
public record SweepDefinition(
    String name,
    Optional<String> output,
    Map<Axis, List<AxisValue>> axes,
    JobOptions options,
    List<SweepRule> rules,
    Filters filters,
    List<Baseline> baselines,
    double significance,
    String text) {
  /** Freezes lists and map. */
  public SweepDefinition {
    axes = Map.copyOf(axes);
    rules = List.copyOf(rules);
    baselines = List.copyOf(baselines);
  }

  /**
   * Which combinations are left out, and which of those are cells all the same.
   *
   * @param exclude left out
   * @param include not left out
   */
  record Filters(List<Selector> exclude, List<Selector> include) {
    Filters {
      exclude = List.copyOf(exclude);
      include = List.copyOf(include);
    }
  }

  /** A recipe that others are compared with, by the names of its scheme and algorithm. */
  public record Baseline(String scheme, String algorithm) {}

  /** The values of an axis. */
  List<AxisValue> values(Axis axis) {
    return axes.get(axis);
  }

  /** A value by its name; the unquantized model needs no declaration. */
  Optional<AxisValue> value(Axis axis, String name) {
    return values(axis).stream()
        .filter(value -> value.name().equals(name))
        .findFirst()
        .or(
            () ->
                name.equals(AxisValue.NONE)
                    ? Optional.of(AxisValue.UNQUANTIZED)
                    : Optional.empty());
  }
}
