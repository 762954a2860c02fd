package org.sparkao.jobs.config;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Keys and texts from one place.
 *
 * @param origin the place, as a message names it: a file, {@code --set}
 * @param values the texts of each key; one but for lists
 */
public record ConfigLayer(String origin, Map<String, List<String>> values) {
  /** Freezes the values, in order. */
  public ConfigLayer {
    Objects.requireNonNull(origin, "origin");
    values = Collections.unmodifiableMap(new LinkedHashMap<>(values));
  }
}
