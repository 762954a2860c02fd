package org.sparkao.quant.config;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.PatternSyntaxException;
import org.sparkao.quant.scheme.CheckpointLayout;
import org.sparkao.quant.scheme.Granularity;
import org.sparkao.quant.scheme.Granularity.PerGroup;
import org.sparkao.quant.scheme.Granularity.PerRow;
import org.sparkao.quant.scheme.Granularity.PerToken;
import org.sparkao.quant.scheme.QuantArgs;
import org.sparkao.quant.scheme.QuantArgs.Kind;
import org.sparkao.quant.scheme.QuantArgs.ScaleKind;
import org.sparkao.quant.scheme.QuantArgs.Timing;
import org.sparkao.quant.scheme.StorageFormat;
import org.sparkao.quant.scheme.TorchaoKind;

/**
 * {@code quant_method: torchao}: one configuration for all linear layers, or {@code FqnToConfig}
 * with names and expressions of modules.
 *
 * <p>Source: transformers 5.23 {@code TorchAoConfig} and {@code TorchAoQuantize}; torchao 0.18
 * {@code core/config.py} and {@code quantization/quant_api.py}.
 */
final class TorchaoConfigReader {
  private static final Set<String> FIELDS =
      Set.of(
          "quant_method",
          "quant_type",
          "modules_to_not_convert",
          "include_input_output_embeddings",
          "untie_embedding_weights");
  private static final String DEFAULT = "_default";
  private static final String PATH = ConfigReader.PATH + ".quant_type";

  private final JsonNode node;
  private final List<Finding> findings = new ArrayList<>();
  private final List<ModulePattern> ignore = new ArrayList<>();
  private final List<QuantizedGroup> groups = new ArrayList<>();
  private boolean readable = true;

  TorchaoConfigReader(JsonNode node) {
    this.node = node;
  }

  ConfigReading read() {
    findings.addAll(Finding.unknownFields(ConfigReader.PATH, node, FIELDS));
    node.path("modules_to_not_convert")
        .forEach(name -> ignore.add(new ModulePattern.Subtree(name.asText())));
    JsonNode type = node.path("quant_type").path("default");
    JsonNode modules = type.path("_data").path("fqn_to_config");
    if (modules.isMissingNode()) {
      modules = type.path("_data").path("module_fqn_to_config");
    }
    if (modules.isObject()) {
      modules(modules);
    } else {
      add("default", new ModulePattern.Name("Linear"), type);
    }
    return new ConfigReading(
        readable
            ? Optional.of(new QuantizationConfig("torchao", groups, ignore))
            : Optional.empty(),
        findings);
  }

  /**
   * Names of weights come before those of their modules, these before expressions, in their order,
   * and those before the default; also where they say that nothing is quantized.
   */
  private void modules(JsonNode modules) {
    List<ModulePattern> before = new ArrayList<>();
    for (Map.Entry<String, JsonNode> entry : modules.properties()) {
      String key = entry.getKey();
      if (!key.startsWith("re:") && !key.equals(DEFAULT)) {
        ModulePattern name = new ModulePattern.Name(key);
        before.add(name);
        if (!modules.has(key + ".weight")) {
          add(key, new ModulePattern.Torchao(name, List.of()), entry.getValue());
        }
      }
    }
    for (Map.Entry<String, JsonNode> entry : modules.properties()) {
      if (entry.getKey().startsWith("re:")) {
        expression(entry.getKey(), entry.getValue(), before);
      }
    }
    // Without a default, what no other entry names stays as it is.
    if (modules.hasNonNull(DEFAULT)) {
      add(DEFAULT, new ModulePattern.Name("Linear"), modules.get(DEFAULT));
    }
  }

  /** The whole name must match. */
  private void expression(String key, JsonNode config, List<ModulePattern> before) {
    try {
      ModulePattern expression =
          ModulePattern.parse("re:(?:" + key.substring("re:".length()) + ")$");
      add(key, new ModulePattern.Torchao(expression, before), config);
      before.add(expression);
    } catch (PatternSyntaxException e) {
      error(key, "is no expression: " + e.getDescription(), "correct it");
    }
  }

  private void add(String key, ModulePattern target, JsonNode config) {
    if (config.isNull()) {
      ignore.add(target);
      return;
    }
    String type = config.path("_type").asText("");
    JsonNode data = config.path("_data");
    boolean dynamic = type.equals(TorchaoKind.INTX_DYNAMIC.configName());
    Optional<Granularity> granularity =
        granularity(data.path(dynamic ? "weight_granularity" : "granularity"));
    int bits = bits(data.path("weight_dtype").path("_data").asText("int8"));
    String mapping =
        data.path(dynamic ? "weight_mapping_type" : "mapping_type").path("_data").asText("");
    boolean symmetric = !mapping.equals("ASYMMETRIC");
    Optional<TorchaoKind> kind = kind(type);
    if (kind.isEmpty() || granularity.isEmpty() || bits == 0) {
      error(
          key,
          "is " + type + " with " + data,
          "it is not read: there are "
              + List.of(TorchaoKind.values()).stream().map(TorchaoKind::configName).toList()
              + " by row or group, of int1 to int8 and float8_e4m3fn");
      return;
    }
    Kind codes = kind.get() == TorchaoKind.FLOAT8_WEIGHT_ONLY ? Kind.FLOAT : Kind.INT;
    QuantArgs weights =
        new QuantArgs(
            codes, bits, symmetric, granularity.get(), Timing.STATIC, ScaleKind.WEIGHT_DTYPE);
    StorageFormat format =
        codes == Kind.FLOAT ? StorageFormat.NAIVE_QUANTIZED : StorageFormat.INT_QUANTIZED;
    groups.add(
        new QuantizedGroup(
            key,
            List.of(target),
            weights,
            inputs(kind.get(), data),
            format,
            CheckpointLayout.TORCHAO,
            QuantizedGroup.ColumnOrder.NATURAL));
  }

  private static Optional<TorchaoKind> kind(String type) {
    return List.of(TorchaoKind.values()).stream()
        .filter(kind -> kind.configName().equals(type))
        .findFirst();
  }

  private static Optional<QuantArgs> inputs(TorchaoKind kind, JsonNode data) {
    return switch (kind) {
      case INT8_WEIGHT_ONLY, INTX_WEIGHT_ONLY, FLOAT8_WEIGHT_ONLY -> Optional.empty();
      case INT8_DYNAMIC, INTX_DYNAMIC -> {
        boolean symmetric =
            data.path("act_mapping_type").path("_data").asText().equals("SYMMETRIC");
        yield Optional.of(
            new QuantArgs(
                Kind.INT, 8, symmetric, new PerToken(), Timing.DYNAMIC, ScaleKind.WEIGHT_DTYPE));
      }
    };
  }

  private static Optional<Granularity> granularity(JsonNode granularity) {
    JsonNode data = granularity.path("_data");
    return switch (granularity.path("_type").asText("")) {
      case "PerRow" -> Optional.of(new PerRow());
      case "PerAxis" ->
          data.path("axis").asInt(-1) == 0 ? Optional.of(new PerRow()) : Optional.empty();
      case "PerGroup" ->
          data.path("group_size").asInt() > 0
              ? Optional.of(new PerGroup(data.path("group_size").asInt()))
              : Optional.empty();
      default -> Optional.empty();
    };
  }

  /** 0 for types that are not read. */
  private static int bits(String type) {
    if (type.equals("float8_e4m3fn")) {
      return Byte.SIZE;
    }
    return type.matches("int[1-8]") ? type.charAt(3) - '0' : 0;
  }

  private void error(String key, String what, String wayOut) {
    readable = false;
    findings.add(Finding.error(PATH + "." + key, what, wayOut));
  }
}
