package org.sparkao.quant.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Optional;
import java.util.Set;
import org.sparkao.quant.QuantException;

/** What {@code quantization_config} says about a source. */
final class SourceQuantization {
  private static final String WAY_OUT = "; start from the checkpoint before its quantization";
  private static final Set<String> FP8_FORMATS =
      Set.of("float-quantized", "naive-quantized", "dense");

  private final String location;
  private final JsonNode config;

  private SourceQuantization(String location, JsonNode config) {
    this.location = location;
    this.config = config;
  }

  /**
   * Empty when the source is not quantized.
   *
   * @throws QuantException when it is quantized in a form that is not read
   */
  static Optional<SourceQuantization> of(Checkpoint checkpoint) {
    requireNoForeignConfig(checkpoint);
    Optional<SourceQuantization> quantization =
        checkpoint
            .quantizationConfig()
            .map(
                node ->
                    new SourceQuantization(
                        checkpoint.location() + "/" + CheckpointNames.CONFIG, node));
    quantization.ifPresent(SourceQuantization::requireReadable);
    return quantization;
  }

  private static void requireNoForeignConfig(Checkpoint checkpoint) {
    checkpoint
        .foreignQuantization()
        .ifPresent(
            file -> {
              throw new QuantException(
                  checkpoint.location()
                      + "/"
                      + file
                      + ": the checkpoint is already quantized, in a form that is not read"
                      + WAY_OUT);
            });
  }

  private void requireReadable() {
    String method = config.path("quant_method").asText();
    if (method.equals("fp8") || method.equals("torchao")) {
      return;
    }
    if (!method.equals("compressed-tensors")) {
      throw refused("quant_method " + CheckpointNames.printable(method));
    }
    String format = config.path("format").asText();
    if (!FP8_FORMATS.contains(format)) {
      throw refused("quant_method compressed-tensors of format " + format);
    }
  }

  /** {@code weight_block_size}: rows and columns that share a {@code weight_scale_inv}. */
  long[] blockSize() {
    JsonNode size = config.path("weight_block_size");
    if (!size.isArray() || size.size() != 2 || !isSize(size.get(0)) || !isSize(size.get(1))) {
      throw new QuantException(
          location
              + ": quantization_config.weight_block_size is "
              + CheckpointNames.printable(size.toString())
              + ", not two numbers of rows and columns such as [128, 128]; correct it");
    }
    return new long[] {size.get(0).longValue(), size.get(1).longValue()};
  }

  private static boolean isSize(JsonNode node) {
    return node.isIntegralNumber() && node.canConvertToInt() && node.intValue() > 0;
  }

  private QuantException refused(String what) {
    return new QuantException(
        location + ": the checkpoint is already quantized (" + what + ")" + WAY_OUT);
  }
}
