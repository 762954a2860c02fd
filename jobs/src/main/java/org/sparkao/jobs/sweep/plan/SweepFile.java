package org.sparkao.jobs.sweep.plan;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.commons.text.StringSubstitutor;
import org.sparkao.jobs.sweep.plan.SweepDefinition.Baseline;
import org.sparkao.jobs.sweep.plan.SweepDefinition.Filters;
import org.sparkao.quant.QuantException;

/**
 * Reads the YAML file of a sweep. In values {@code ${NAME}} and {@code ${NAME:-TEXT}} stand for
 * variables of the environment.
 */
public final class SweepFile {
  private static final String DEFAULT_SIGNIFICANCE = "0.01";
  private static final Set<String> KEYS =
      Set.of(
          "sweep",
          "output",
          "models",
          "schemes",
          "algorithms",
          "tasks",
          "quantize",
          "calibrate",
          "evaluate",
          "rules",
          "exclude",
          "include",
          "baselines",
          "significance");

  private static final YAMLMapper YAML =
      YAMLMapper.builder().enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY).build();

  private final String file;
  private final FileNodes nodes;
  private final OptionNodes options;

  private SweepFile(String file, Map<String, String> environment) {
    this.file = file;
    this.nodes = new FileNodes(file, substitutor(environment));
    this.options = new OptionNodes(nodes);
  }

  private static StringSubstitutor substitutor(Map<String, String> environment) {
    return new StringSubstitutor(environment).setEnableUndefinedVariableException(true);
  }

  /**
   * Reads a file.
   *
   * @param environment what variables stand for
   * @throws QuantException naming the key, the value and what would do
   */
  public static SweepDefinition read(Path file, Map<String, String> environment) {
    String text;
    JsonNode root;
    try {
      text = Files.readString(file, StandardCharsets.UTF_8);
      root = YAML.readTree(text);
    } catch (NoSuchFileException e) {
      throw new QuantException(file + ": there is no such file", e);
    } catch (JsonProcessingException e) {
      throw new QuantException(file + ": not YAML: " + e.getOriginalMessage(), e);
    } catch (IOException e) {
      throw new QuantException(file + ": cannot be read: " + e.getMessage(), e);
    }
    return new SweepFile(file.toString(), environment).definition(root, text);
  }

  private SweepDefinition definition(JsonNode root, String text) {
    nodes.requireMap(root, "the file", KEYS);
    String name = nodes.text(root, "sweep");
    if (!name.matches("[a-z0-9][a-z0-9-]{0,39}")) {
      throw nodes.refused("sweep", name, "use up to 40 small letters, digits and dashes");
    }
    Map<Axis, List<AxisValue>> axes = new EnumMap<>(Axis.class);
    for (Axis axis : Axis.values()) {
      axes.put(axis, values(root, axis));
    }
    List<SweepRule> rules = new ArrayList<>();
    for (JsonNode rule : nodes.list(root, "rules")) {
      nodes.requireMap(rule, "rules", Set.of("when", "quantize", "calibrate", "evaluate"));
      rules.add(new SweepRule(selector(rule.path("when"), "rules.when", axes), options.of(rule)));
    }
    return new SweepDefinition(
        name,
        root.has("output") ? Optional.of(nodes.text(root, "output")) : Optional.empty(),
        axes,
        options.of(root),
        rules,
        new Filters(selectors(root, "exclude", axes), selectors(root, "include", axes)),
        baselines(root, axes),
        significance(root),
        text);
  }

  private List<AxisValue> values(JsonNode root, Axis axis) {
    List<AxisValue> values = new ArrayList<>();
    Set<String> names = new HashSet<>();
    if (axis == Axis.ALGORITHM && !root.has(axis.listKey())) {
      return List.of(new AxisValue("rtn", "rtn", "", Map.of()));
    }
    for (JsonNode node : nodes.list(root, axis.listKey())) {
      AxisValue value = options.value(node, axis);
      if (!names.add(value.name())) {
        throw nodes.refused(axis.listKey(), value.name(), "there are two of that name");
      }
      values.add(value);
    }
    if (values.isEmpty()) {
      throw new QuantException(file + ": " + axis.listKey() + " is missing: a list of values");
    }
    return values;
  }

  private List<Selector> selectors(JsonNode root, String key, Map<Axis, List<AxisValue>> axes) {
    List<Selector> selectors = new ArrayList<>();
    nodes.list(root, key).forEach(node -> selectors.add(selector(node, key, axes)));
    return selectors;
  }

  private Selector selector(JsonNode node, String key, Map<Axis, List<AxisValue>> axes) {
    nodes.requireMap(node, key, Set.of("model", "scheme", "algorithm", "task"));
    Map<Axis, List<String>> patterns = new EnumMap<>(Axis.class);
    node.properties()
        .forEach(
            entry -> {
              Axis axis = Axis.named(entry.getKey()).orElseThrow();
              List<String> some = nodes.texts(entry.getValue(), key + "." + entry.getKey());
              some.forEach(pattern -> requireMatch(pattern, key, axis, axes.get(axis)));
              patterns.put(axis, some);
            });
    return new Selector(patterns);
  }

  /** A pattern that matches nothing is a slip of the pen. */
  private void requireMatch(String pattern, String key, Axis axis, List<AxisValue> values) {
    List<String> names = values.stream().map(AxisValue::name).toList();
    if (!pattern.equals(AxisValue.NONE)
        && names.stream().noneMatch(name -> Selector.matches(pattern, name))) {
      throw nodes.refused(
          key + "." + axis.configName(),
          pattern,
          "matches none of the " + axis.listKey() + " " + String.join(", ", names));
    }
  }

  private List<Baseline> baselines(JsonNode root, Map<Axis, List<AxisValue>> axes) {
    if (!root.has("baselines")) {
      return List.of(new Baseline(AxisValue.NONE, AxisValue.NONE));
    }
    List<Baseline> baselines = new ArrayList<>();
    for (JsonNode node : nodes.list(root, "baselines")) {
      nodes.requireMap(node, "baselines", Set.of("scheme", "algorithm"));
      String scheme = nodes.text(node, "scheme");
      boolean none = scheme.equals(AxisValue.NONE);
      String algorithm = none ? AxisValue.NONE : nodes.text(node, "algorithm");
      requireMatch(scheme, "baselines", Axis.SCHEME, axes.get(Axis.SCHEME));
      requireMatch(algorithm, "baselines", Axis.ALGORITHM, axes.get(Axis.ALGORITHM));
      baselines.add(new Baseline(scheme, algorithm));
    }
    return baselines;
  }

  private double significance(JsonNode root) {
    String text =
        root.has("significance") ? nodes.text(root, "significance") : DEFAULT_SIGNIFICANCE;
    try {
      double significance = Double.parseDouble(text);
      if (significance > 0 && significance < 1) {
        return significance;
      }
    } catch (NumberFormatException e) {
      // Refused below.
    }
    throw nodes.refused("significance", text, "use a probability between 0 and 1, such as 0.01");
  }
}
