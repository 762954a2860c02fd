package org.sparkao.quant.config;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.PatternSyntaxException;
import org.sparkao.quant.scheme.CheckpointLayout;
import org.sparkao.quant.scheme.QuantArgs;
import org.sparkao.quant.scheme.QuantArgs.ScaleKind;
import org.sparkao.quant.scheme.StorageFormat;

/**
 * {@code quant_method: compressed-tensors}.
 *
 * <p>Source: compressed-tensors 0.18, {@code quantization/quant_config.py} (unknown keys are
 * ignored) and {@code quant_scheme.py} (unknown keys are refused).
 */
final class CompressedTensorsConfigReader {
  private static final Set<String> FIELDS =
      Set.of(
          "quant_method",
          "version",
          "format",
          "quantization_status",
          "global_compression_ratio",
          "ignore",
          "kv_cache_scheme",
          "sparsity_config",
          "transform_config",
          "config_groups",
          "run_compressed");
  private static final Set<String> GROUP_FIELDS =
      Set.of("targets", "weights", "input_activations", "output_activations", "format");
  private static final String MIXED = "mixed-precision";

  private final JsonNode node;
  private final List<Finding> findings = new ArrayList<>();

  CompressedTensorsConfigReader(JsonNode node) {
    this.node = node;
  }

  ConfigReading read() {
    findings.addAll(Finding.unknownFields(ConfigReader.PATH, node, FIELDS));
    String status = node.path("quantization_status").asText("");
    if (!status.equals("compressed")) {
      findings.add(
          Finding.warning(
              Loader.TRANSFORMERS,
              ConfigReader.PATH,
              "quantization_status is \"" + status + "\"",
              "write \"compressed\": that is what says that codes are stored"));
    }
    JsonNode groupNodes = node.path("config_groups");
    if (!groupNodes.isObject() || groupNodes.isEmpty()) {
      findings.add(
          Finding.error(
              ConfigReader.PATH,
              "has no config_groups",
              "write at least one group, or remove quantization_config"));
      return new ConfigReading(Optional.empty(), findings);
    }
    List<QuantizedGroup> groups = new ArrayList<>();
    for (Map.Entry<String, JsonNode> entry : groupNodes.properties()) {
      group(entry.getKey(), entry.getValue()).ifPresent(groups::add);
    }
    checkTopFormat(groups);
    List<ModulePattern> ignore = patterns(ConfigReader.PATH + ".ignore", node.path("ignore"));
    boolean whole = groups.size() == groupNodes.size();
    return new ConfigReading(
        whole
            ? Optional.of(new QuantizationConfig("compressed-tensors", groups, ignore))
            : Optional.empty(),
        findings);
  }

  private Optional<QuantizedGroup> group(String name, JsonNode group) {
    String path = ConfigReader.PATH + ".config_groups." + name;
    group
        .fieldNames()
        .forEachRemaining(
            field -> {
              if (!GROUP_FIELDS.contains(field)) {
                error(path, "unknown field " + field, "remove it: readers refuse it");
              }
            });
    List<ModulePattern> targets = patterns(path + ".targets", group.path("targets"));
    if (targets.isEmpty()) {
      error(path, "has no targets", "write \"targets\": [\"Linear\"]");
    }
    JsonNode weightsNode = group.path("weights");
    Optional<QuantArgs> weights = ArgsReader.read(path + ".weights", weightsNode, findings);
    Optional<QuantArgs> inputs = optional(path + ".input_activations", group);
    Optional<StorageFormat> format = format(path, group);
    if (weights.isEmpty() || format.isEmpty()) {
      return Optional.empty();
    }
    if (!holds(format.get(), weights.get())) {
      error(
          path,
          "format " + format.get().configName() + " cannot hold these weights",
          "write the format that the tensors have");
      return Optional.empty();
    }
    return Optional.of(
        new QuantizedGroup(
            name,
            targets,
            weights.get(),
            inputs,
            format.get(),
            CheckpointLayout.COMPRESSED_TENSORS,
            ArgsReader.columnsPermuted(weightsNode)
                ? QuantizedGroup.ColumnOrder.PERMUTED
                : QuantizedGroup.ColumnOrder.NATURAL));
  }

  private static boolean holds(StorageFormat format, QuantArgs weights) {
    boolean integer = weights.kind() == QuantArgs.Kind.INT;
    return switch (format) {
      case INT_QUANTIZED, PACK_QUANTIZED -> integer;
      case FLOAT_QUANTIZED, NAIVE_QUANTIZED -> !integer && weights.bits() == 8;
      case NVFP4_PACK_QUANTIZED -> weights.scale() == ScaleKind.E4M3_WITH_GLOBAL;
      case MXFP4_PACK_QUANTIZED -> weights.scale() == ScaleKind.E8M0 && weights.bits() == 4;
      case MXFP8_QUANTIZED -> weights.scale() == ScaleKind.E8M0 && weights.bits() == 8;
    };
  }

  private Optional<QuantArgs> optional(String path, JsonNode group) {
    JsonNode inputs = group.path("input_activations");
    boolean absent = inputs.isMissingNode() || inputs.isNull();
    return absent ? Optional.empty() : ArgsReader.read(path, inputs, findings);
  }

  private Optional<StorageFormat> format(String path, JsonNode group) {
    JsonNode own = group.path("format");
    String name = own.isTextual() ? own.asText() : node.path("format").asText("");
    Optional<StorageFormat> format = StorageFormat.forConfigName(name);
    if (format.isEmpty()) {
      error(
          path,
          "format is \"" + name + "\"",
          "write the format of its tensors, such as pack-quantized; " + MIXED + " is for the top");
    }
    return format;
  }

  private void checkTopFormat(List<QuantizedGroup> groups) {
    String top = node.path("format").asText("");
    Set<String> formats = new TreeSet<>();
    groups.forEach(group -> formats.add(group.format().configName()));
    if (formats.isEmpty()) {
      return;
    }
    String right = formats.size() == 1 ? formats.iterator().next() : MIXED;
    if (!top.equals(right)) {
      findings.add(
          Finding.warning(
              ConfigReader.PATH,
              "format is \"" + top + "\" but the groups have " + formats,
              "write \"format\": \"" + right + "\": some readers look there only"));
    }
  }

  private List<ModulePattern> patterns(String path, JsonNode list) {
    List<ModulePattern> patterns = new ArrayList<>();
    for (JsonNode entry : list) {
      try {
        patterns.add(ModulePattern.parse(entry.asText()));
      } catch (PatternSyntaxException e) {
        error(path, entry + " is no expression: " + e.getDescription(), "correct it");
      }
    }
    return patterns;
  }

  private void error(String path, String what, String wayOut) {
    findings.add(Finding.error(path, what, wayOut));
  }
}
