package org.sparkao.jobs.sweep.plan;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** Options of jobs in a sweep's file. */
final class OptionNodes {
  private static final String NAME = "name";
  private static final String METRIC = "metric";

  /** What a sweep says itself. */
  private static final Map<String, Set<String>> OWN =
      Map.of(
          "quantize",
          Set.of("checkpoint", "output", "scheme", "algorithm", "calibration", "dry-run"),
          "calibrate",
          Set.of("checkpoint", "output", "hessian", "dry-run"),
          "evaluate",
          Set.of("checkpoint", "tasks", "output", "base", "dry-run"));

  private final FileNodes nodes;

  OptionNodes(FileNodes nodes) {
    this.nodes = nodes;
  }

  /** Those that stand beside others in a map. */
  JobOptions of(JsonNode parent) {
    return new JobOptions(
        section(parent, "quantize"), section(parent, "calibrate"), section(parent, "evaluate"));
  }

  private Map<String, List<String>> section(JsonNode parent, String section) {
    Map<String, List<String>> options = new TreeMap<>();
    JsonNode node = parent.path(section);
    if (node.isMissingNode()) {
      return options;
    }
    if (!node.isObject()) {
      throw nodes.refused(section, node.asText(), "use a map of options of " + section);
    }
    node.properties().forEach(option -> put(options, section, option.getKey(), option.getValue()));
    return options;
  }

  private void put(Map<String, List<String>> options, String section, String key, JsonNode value) {
    if (OWN.get(section).contains(key)) {
      throw nodes.refused(section, key, "the sweep says this itself; leave it out");
    }
    options.put(key, nodes.texts(value, section + "." + key));
  }

  /** A text, or a map with a name and options of the job that takes it. */
  AxisValue value(JsonNode node, Axis axis) {
    if (!node.isObject()) {
      String text = nodes.texts(node, axis.listKey()).get(0);
      return new AxisValue(axis == Axis.MODEL ? lastPart(text) : text, text, "", Map.of());
    }
    String value = nodes.text(node, axis.valueKey());
    Map<String, List<String>> options = new TreeMap<>();
    node.properties()
        .forEach(
            entry -> {
              if (!Set.of(NAME, axis.valueKey()).contains(entry.getKey())
                  && !(axis == Axis.TASK && entry.getKey().equals(METRIC))) {
                put(options, section(axis, entry.getKey()), entry.getKey(), entry.getValue());
              }
            });
    return new AxisValue(
        node.has(NAME) ? nodes.text(node, NAME) : axis == Axis.MODEL ? lastPart(value) : value,
        value,
        node.has(METRIC) ? nodes.text(node, METRIC) : "",
        options);
  }

  private String section(Axis axis, String key) {
    return switch (axis) {
      case MODEL ->
          throw nodes.refused(
              axis.listKey(), key, "unknown key; there are checkpoint, name (options: use rules)");
      case SCHEME, ALGORITHM -> "quantize";
      case TASK -> "evaluate";
    };
  }

  private static String lastPart(String location) {
    String[] parts = location.split("[/:]+");
    return parts[parts.length - 1];
  }
}
