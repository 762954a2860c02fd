package org.sparkao.jobs.sweep.plan;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import org.sparkao.jobs.table.SweepCellRow.Place;

/** What a sweep varies. */
public enum Axis {
  /** Checkpoints. */
  MODEL("checkpoint"),
  /** Schemes of {@code quantize}; none leaves the model as it is. */
  SCHEME("scheme"),
  /** Algorithms of {@code quantize}. */
  ALGORITHM("algorithm"),
  /** Tasks of {@code evaluate}. */
  TASK("task");

  private final String valueKey;

  Axis(String valueKey) {
    this.valueKey = valueKey;
  }

  /** Its name in filters. */
  String configName() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The key of its values in the file. */
  String listKey() {
    return configName() + "s";
  }

  /** The key of what a value means, where it is a map. */
  String valueKey() {
    return valueKey;
  }

  /** The axis of a name in filters. */
  static Optional<Axis> named(String name) {
    return Arrays.stream(values()).filter(axis -> axis.configName().equals(name)).findFirst();
  }

  /** The name that a place has on this axis. */
  String of(Place place) {
    return switch (this) {
      case MODEL -> place.model();
      case SCHEME -> place.scheme();
      case ALGORITHM -> place.algorithm();
      case TASK -> place.task();
    };
  }
}
