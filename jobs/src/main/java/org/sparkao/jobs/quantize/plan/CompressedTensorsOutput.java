package org.sparkao.jobs.quantize.plan;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.sparkao.quant.algorithm.WeightAlgorithm;
import org.sparkao.quant.calibrated.ActOrder;
import org.sparkao.quant.scheme.Granularity;
import org.sparkao.quant.scheme.QuantArgs;
import org.sparkao.quant.scheme.QuantScheme;

/** The fields and order of compressed-tensors 0.18 ({@code QuantizationConfig}). */
final class CompressedTensorsOutput implements OutputLayout {
  /** Version of compressed-tensors whose form this is. */
  private static final String FORM_VERSION = "0.18.0";

  private static final Pattern NUMBER = Pattern.compile("\\d+");

  /** How columns were ordered, where loaders allow it to be said: for the strategy "group". */
  private static Optional<String> order(Arithmetic arithmetic, QuantScheme scheme) {
    return Optional.of(arithmetic)
        .filter(a -> a.algorithm() == WeightAlgorithm.GPTQ)
        .filter(a -> scheme.weights().granularity() instanceof Granularity.PerGroup)
        .filter(a -> scheme.weights().scale() != QuantArgs.ScaleKind.E4M3_WITH_GLOBAL)
        .map(a -> a.calibrated().order())
        .filter(order -> order != ActOrder.NONE)
        .map(ActOrder::configName);
  }

  @Override
  public Map<String, Object> config(Decisions decisions) {
    Arithmetic arithmetic = decisions.recipe().arithmetic();
    Map<String, QuantScheme> schemes = decisions.schemes();
    List<String> ignored = decisions.ignored();
    Map<QuantScheme, List<String>> groups = new LinkedHashMap<>();
    schemes.forEach(
        (module, scheme) -> groups.computeIfAbsent(scheme, s -> new ArrayList<>()).add(module));
    Map<String, Object> groupConfigs = new TreeMap<>();
    Set<String> formats = new LinkedHashSet<>();
    for (Map.Entry<QuantScheme, List<String>> group : groups.entrySet()) {
      List<String> targets =
          groups.size() == 1
              ? List.of("Linear")
              : targets(group.getValue(), group.getKey(), schemes, ignored);
      formats.add(group.getKey().format().configName());
      groupConfigs.put(
          "group_" + groupConfigs.size(),
          group(group.getKey(), targets, order(arithmetic, group.getKey())));
    }
    Map<String, Object> config = new TreeMap<>();
    config.put("config_groups", groupConfigs);
    config.put("format", formats.size() == 1 ? formats.iterator().next() : "mixed-precision");
    config.put("global_compression_ratio", null);
    config.put("ignore", ignored);
    config.put("kv_cache_scheme", null);
    config.put("quant_method", "compressed-tensors");
    config.put("quantization_status", "compressed");
    config.put("sparsity_config", Map.of());
    config.put("transform_config", Map.of());
    config.put("version", FORM_VERSION);
    return config;
  }

  /**
   * Names of modules, shortened to a regular expression over layer numbers where that says the
   * same. Never a class name: a loader would match it before the parts of a fused layer.
   */
  private static List<String> targets(
      List<String> modules,
      QuantScheme scheme,
      Map<String, QuantScheme> schemes,
      List<String> ignored) {
    Set<String> own = shapes(modules);
    Set<String> foreign = shapes(ignored);
    schemes.forEach(
        (module, other) -> {
          if (!other.equals(scheme)) {
            foreign.add(shape(module));
          }
        });
    List<String> targets = new ArrayList<>();
    own.stream().filter(shape -> !foreign.contains(shape)).forEach(s -> targets.add("re:" + s));
    modules.stream().filter(module -> foreign.contains(shape(module))).forEach(targets::add);
    return targets;
  }

  private static Set<String> shapes(List<String> modules) {
    Set<String> shapes = new LinkedHashSet<>();
    modules.forEach(module -> shapes.add(shape(module)));
    return shapes;
  }

  /** The name as a regular expression in which every number is any number. */
  private static String shape(String module) {
    String[] parts = module.split("\\.");
    StringBuilder regex = new StringBuilder("^");
    for (int i = 0; i < parts.length; i++) {
      regex
          .append(i == 0 ? "" : "\\.")
          .append(NUMBER.matcher(parts[i]).matches() ? "\\d+" : escape(parts[i]));
    }
    return regex.append('$').toString();
  }

  /** Escapes what Python's regular expressions give a meaning. */
  private static String escape(String text) {
    return text.replaceAll("([^A-Za-z0-9_])", "\\\\$1");
  }

  private static Map<String, Object> group(
      QuantScheme scheme, List<String> targets, Optional<String> order) {
    Map<String, Object> group = new TreeMap<>();
    group.put("format", scheme.format().configName());
    group.put(
        "input_activations", scheme.activations().map(a -> args(a, observer(a))).orElse(null));
    group.put("output_activations", null);
    group.put("targets", targets);
    Map<String, Object> weights = args(scheme.weights(), Optional.of("memoryless_minmax"));
    weights.put("actorder", order.orElse(null));
    group.put("weights", weights);
    return group;
  }

  private static Optional<String> observer(QuantArgs activations) {
    return activations.timing() == QuantArgs.Timing.DYNAMIC
        ? Optional.empty()
        : Optional.of("static_minmax");
  }

  private static Map<String, Object> args(QuantArgs args, Optional<String> observer) {
    Granularity granularity = args.granularity();
    boolean tensorGroup = args.scale() == QuantArgs.ScaleKind.E4M3_WITH_GLOBAL;
    Map<String, Object> fields = new TreeMap<>();
    fields.put("actorder", null);
    fields.put(
        "block_structure",
        granularity instanceof Granularity.PerBlock block
            ? List.of(block.rows(), block.columns())
            : null);
    fields.put(
        "dynamic",
        switch (args.timing()) {
          case STATIC -> false;
          case DYNAMIC -> true;
          case LOCAL -> "local";
        });
    fields.put(
        "group_size", granularity instanceof Granularity.PerGroup group ? group.size() : null);
    fields.put("num_bits", args.bits());
    fields.put("observer", observer.orElse(null));
    fields.put("observer_kwargs", Map.of());
    fields.put(
        "scale_dtype",
        switch (args.scale()) {
          case WEIGHT_DTYPE -> null;
          case E8M0 -> "torch.uint8";
          case E4M3_WITH_GLOBAL -> "torch.float8_e4m3fn";
        });
    fields.put("strategy", tensorGroup ? "tensor_group" : granularity.strategy());
    fields.put("symmetric", args.symmetric());
    fields.put("type", args.kind() == QuantArgs.Kind.INT ? "int" : "float");
    fields.put("zp_dtype", args.symmetric() ? null : "torch.int8");
    return fields;
  }
}
