package org.sparkao.quant.config;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.sparkao.quant.scheme.CheckpointLayout;
import org.sparkao.quant.scheme.Granularity;
import org.sparkao.quant.scheme.Granularity.PerBlock;
import org.sparkao.quant.scheme.Granularity.PerGroup;
import org.sparkao.quant.scheme.Granularity.PerTensor;
import org.sparkao.quant.scheme.QuantArgs;
import org.sparkao.quant.scheme.QuantArgs.Kind;
import org.sparkao.quant.scheme.QuantArgs.ScaleKind;
import org.sparkao.quant.scheme.QuantArgs.Timing;
import org.sparkao.quant.scheme.StorageFormat;

/**
 * {@code quant_method: fp8}: DeepSeek's blocks, or one scale a tensor.
 *
 * <p>Source: vLLM {@code fp8.py}, transformers {@code finegrained_fp8.py}.
 */
final class Fp8ConfigReader {
  private static final Set<String> FIELDS =
      Set.of(
          "quant_method",
          "activation_scheme",
          "weight_block_size",
          "fmt",
          "modules_to_not_convert",
          "ignored_layers",
          "scale_fmt",
          "dequantize");

  private final JsonNode node;
  private final List<Finding> findings = new ArrayList<>();

  Fp8ConfigReader(JsonNode node) {
    this.node = node;
  }

  ConfigReading read() {
    findings.addAll(Finding.unknownFields(ConfigReader.PATH, node, FIELDS));
    Optional<Granularity> granularity = granularity();
    Timing timing = timing(granularity);
    List<ModulePattern> ignore = ignore();
    Optional<QuantizationConfig> config =
        granularity.map(
            weights ->
                new QuantizationConfig("fp8", List.of(group(weights, timing, ignore)), ignore));
    return new ConfigReading(config, findings);
  }

  private static QuantizedGroup group(
      Granularity weights, Timing timing, List<ModulePattern> ignore) {
    boolean blocks = weights instanceof PerBlock;
    Granularity inputs = blocks ? new PerGroup(((PerBlock) weights).columns()) : new PerTensor();
    return new QuantizedGroup(
        "weight_block_size",
        List.of(new ModulePattern.Name("Linear")),
        new QuantArgs(Kind.FLOAT, 8, true, weights, Timing.STATIC, ScaleKind.WEIGHT_DTYPE),
        Optional.of(new QuantArgs(Kind.FLOAT, 8, true, inputs, timing, ScaleKind.WEIGHT_DTYPE)),
        StorageFormat.FLOAT_QUANTIZED,
        blocks ? CheckpointLayout.DEEPSEEK : CheckpointLayout.COMPRESSED_TENSORS,
        QuantizedGroup.ColumnOrder.NATURAL);
  }

  private Optional<Granularity> granularity() {
    if (!node.hasNonNull("weight_block_size")) {
      return Optional.of(new PerTensor());
    }
    JsonNode block = node.get("weight_block_size");
    if (block.size() != 2 || block.path(0).asInt() < 1 || block.path(1).asInt() < 1) {
      findings.add(
          Finding.error(ConfigReader.PATH, "weight_block_size is " + block, "write [128, 128]"));
      return Optional.empty();
    }
    return Optional.of(new PerBlock(block.get(0).asInt(), block.get(1).asInt()));
  }

  private Timing timing(Optional<Granularity> granularity) {
    String scheme = node.path("activation_scheme").asText("dynamic");
    boolean blocks = granularity.filter(PerBlock.class::isInstance).isPresent();
    if (!scheme.equals("dynamic") && (blocks || !scheme.equals("static"))) {
      findings.add(
          Finding.error(
              ConfigReader.PATH,
              "activation_scheme is " + scheme + (blocks ? " with blocks" : ""),
              "write \"activation_scheme\": \"dynamic\""));
    }
    return scheme.equals("static") ? Timing.STATIC : Timing.DYNAMIC;
  }

  private List<ModulePattern> ignore() {
    Set<String> transformers = names("modules_to_not_convert");
    Set<String> vllm = names("ignored_layers");
    if (!transformers.equals(vllm)) {
      boolean vllmLacks = vllm.isEmpty();
      findings.add(
          Finding.warning(
              vllmLacks ? Loader.VLLM : Loader.TRANSFORMERS,
              ConfigReader.PATH,
              "modules_to_not_convert " + transformers + " and ignored_layers " + vllm + " differ",
              "write the same list under both: transformers reads the first, vLLM the second"));
    }
    Set<String> all = new LinkedHashSet<>(transformers);
    all.addAll(vllm);
    List<ModulePattern> patterns = new ArrayList<>();
    all.forEach(name -> patterns.add(new ModulePattern.Subtree(name)));
    return patterns;
  }

  private Set<String> names(String field) {
    Set<String> names = new LinkedHashSet<>();
    node.path(field).forEach(entry -> names.add(entry.asText()));
    return names;
  }
}
