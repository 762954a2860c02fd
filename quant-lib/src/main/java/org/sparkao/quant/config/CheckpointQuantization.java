package org.sparkao.quant.config;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.safetensors.DType;

/**
 * How a checkpoint is quantized that is to be computed with. What verify reports as an error is
 * refused here, and so is whatever changes the numbers and is not read.
 *
 * @param config groups and ignore list
 * @param dtype type of the unquantized weights, {@code dtype} or {@code torch_dtype} of the config;
 *     BF16 where it says none of BF16, F16 and F32
 */
public record CheckpointQuantization(QuantizationConfig config, DType dtype) {
  private static final Set<String> METHODS = Set.of("compressed-tensors", "fp8", "torchao");
  private static final String WAY_OUT =
      "; compressed-tensors, fp8 and torchao are read: quantize the unquantized checkpoint anew";

  /**
   * What a checkpoint says; empty when it is not quantized.
   *
   * @throws QuantException when it is quantized by a method, or in a way, that is not read
   */
  public static Optional<CheckpointQuantization> of(Checkpoint checkpoint) {
    Optional<JsonNode> node = checkpoint.quantizationConfig();
    if (node.isEmpty()) {
      checkpoint
          .foreignQuantization()
          .ifPresent(
              file -> {
                throw new QuantException(
                    checkpoint.location()
                        + "/"
                        + file
                        + ": quantized by ModelOpt, AutoGPTQ or AutoAWQ, which is not read"
                        + WAY_OUT);
              });
      return Optional.empty();
    }
    String where = checkpoint.location() + "/config.json: quantization_config";
    requireReadable(where, node.get());
    ConfigReading reading = ConfigReader.readQuantization(node.get());
    reading.findings().stream()
        .filter(finding -> finding.severity() == Severity.ERROR)
        .findFirst()
        .ifPresent(finding -> refuse(checkpoint, finding));
    return reading
        .config()
        .map(config -> new CheckpointQuantization(config, dtype(checkpoint.config().get())));
  }

  private static void refuse(Checkpoint checkpoint, Finding finding) {
    throw new QuantException(
        checkpoint.location()
            + "/"
            + finding.subject()
            + ": "
            + finding.what()
            + "; "
            + finding.wayOut());
  }

  private static void requireReadable(String where, JsonNode node) {
    String method = node.path("quant_method").asText("");
    if (!method.isEmpty() && !METHODS.contains(method)) {
      throw new QuantException(
          where + ".quant_method is " + method + ", which is not read" + WAY_OUT);
    }
    requireEmpty(where, "transform_config", node.path("transform_config"));
    JsonNode sparsity = node.path("sparsity_config");
    if (!sparsity.path("format").asText("dense").equals("dense")) {
      requireEmpty(where, "sparsity_config", sparsity);
    }
    for (Map.Entry<String, JsonNode> group : node.path("config_groups").properties()) {
      requireEmpty(
          where + ".config_groups." + group.getKey(),
          "output_activations",
          group.getValue().path("output_activations"));
    }
  }

  private static void requireEmpty(String where, String field, JsonNode node) {
    if (!node.isMissingNode() && !node.isNull() && !node.isEmpty()) {
      throw new QuantException(
          where
              + "."
              + field
              + " is set, and a model with it is not run: it would compute something else; use a"
              + " checkpoint without it");
    }
  }

  private static DType dtype(JsonNode root) {
    for (JsonNode owner : new JsonNode[] {root, root.path("text_config")}) {
      for (String key : new String[] {"dtype", "torch_dtype"}) {
        switch (owner.path(key).asText("").toLowerCase(Locale.ROOT)) {
          case "float16":
            return DType.F16;
          case "float32":
            return DType.F32;
          case "bfloat16":
            return DType.BF16;
          default:
            break;
        }
      }
    }
    return DType.BF16;
  }
}
