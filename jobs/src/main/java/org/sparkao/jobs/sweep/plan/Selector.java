package org.sparkao.jobs.sweep.plan;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.sparkao.jobs.table.SweepCellRow.Place;

/**
 * Some combinations: of every axis that is named, one of the patterns has to match the whole name;
 * {@code *} stands for any characters.
 *
 * @param patterns by axis
 */
record Selector(Map<Axis, List<String>> patterns) {
  Selector {
    patterns = Map.copyOf(patterns);
  }

  boolean matches(Place place) {
    return patterns.entrySet().stream()
        .allMatch(
            axis ->
                axis.getValue().stream()
                    .anyMatch(pattern -> matches(pattern, axis.getKey().of(place))));
  }

  static boolean matches(String pattern, String name) {
    String regex =
        Arrays.stream(pattern.split("\\*", -1))
            .map(Pattern::quote)
            .collect(Collectors.joining(".*"));
    return name.matches(regex);
  }
}
