package org.sparkao.jobs.quantize.plan;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.checkpoint.CheckpointTensor;
import org.sparkao.quant.checkpoint.MatrixView.Axes;
import org.sparkao.quant.checkpoint.WeightSource;
import org.sparkao.quant.checkpoint.WeightSources;

/**
 * Experts that a checkpoint stores as one tensor of three axes, taken apart into the layers {@code
 * experts.{e}.gate_proj}, {@code up_proj}, {@code down_proj} that loaders of quantized checkpoints
 * expect. Gate comes before up in {@code gate_up_proj}.
 */
final class FusedExperts {
  private static final Pattern NAME =
      Pattern.compile("(.*\\bexperts)\\.(gate_up_proj|down_proj)(\\.weight)?");

  private final Checkpoint checkpoint;
  private final WeightSources sources;
  private final Optional<Long> hiddenSize;
  private final boolean interleaved;

  FusedExperts(Checkpoint checkpoint, WeightSources sources) {
    this.checkpoint = checkpoint;
    this.sources = sources;
    this.hiddenSize = checkpoint.config().flatMap(FusedExperts::hiddenSize);
    this.interleaved =
        checkpoint
            .config()
            .filter(config -> config.path("model_type").asText().equals("gpt_oss"))
            .isPresent();
  }

  private static Optional<Long> hiddenSize(JsonNode config) {
    JsonNode size =
        config.has("hidden_size")
            ? config.path("hidden_size")
            : config.path("text_config").path("hidden_size");
    return size.isIntegralNumber() ? Optional.of(size.longValue()) : Optional.empty();
  }

  /**
   * A layer out of a fused tensor.
   *
   * @param module its name
   * @param weight how it is read
   */
  record Expert(String module, WeightSource weight) {}

  /** Whether a tensor holds fused experts. */
  static boolean holds(CheckpointTensor tensor) {
    return tensor.entry().shape().size() == 3 && NAME.matcher(tensor.entry().name()).matches();
  }

  /** The name that all experts of a tensor begin with. */
  static String prefix(CheckpointTensor tensor) {
    Matcher name = NAME.matcher(tensor.entry().name());
    if (!name.matches()) {
      throw new IllegalArgumentException(tensor.entry().name());
    }
    return name.group(1);
  }

  /** The layers of a fused tensor, expert by expert. */
  List<Expert> experts(CheckpointTensor tensor) {
    String name = tensor.entry().name();
    String prefix = prefix(tensor);
    boolean gateUp = name.contains("gate_up_proj");
    if (gateUp && interleaved) {
      throw refused(tensor, "interleaves gate and up, which is not read yet");
    }
    Axes axes = axes(tensor, prefix);
    List<Expert> experts = new ArrayList<>();
    for (long e = 0; e < tensor.entry().dimension(0); e++) {
      WeightSource whole = sources.weight(name, e, axes);
      String module = prefix + "." + e + ".";
      if (!gateUp) {
        experts.add(new Expert(module + "down_proj", whole));
        continue;
      }
      if (whole.rows() % 2 != 0) {
        throw refused(tensor, "has an odd number of rows, so gate and up are not halves of it");
      }
      long half = whole.rows() / 2;
      experts.add(new Expert(module + "gate_proj", whole.rowRange(0, half)));
      experts.add(new Expert(module + "up_proj", whole.rowRange(half, 2 * half)));
    }
    return experts;
  }

  /** One of the two tensors of a block usually tells which axis is the hidden one. */
  private Axes axes(CheckpointTensor tensor, String prefix) {
    long hidden =
        hiddenSize.orElseThrow(
            () ->
                refused(tensor, "has fused experts, but config.json with hidden_size is missing"));
    Optional<Axes> found = axes(tensor, hidden);
    if (found.isEmpty()) {
      boolean gateUp = tensor.entry().name().contains("gate_up_proj");
      String other =
          tensor
              .entry()
              .name()
              .replace(
                  gateUp ? "gate_up_proj" : "down_proj", gateUp ? "down_proj" : "gate_up_proj");
      found = checkpoint.tensor(other).flatMap(sibling -> axes(sibling, hidden));
    }
    return found.orElseThrow(
        () ->
            refused(
                tensor,
                "is "
                    + tensor.entry().shape()
                    + ", which does not tell inputs from outputs at"
                    + " hidden_size "
                    + hidden));
  }

  private static Optional<Axes> axes(CheckpointTensor tensor, long hidden) {
    boolean gateUp = tensor.entry().name().contains("gate_up_proj");
    boolean first = tensor.entry().dimension(1) == hidden;
    boolean last = tensor.entry().dimension(2) == hidden;
    if (first == last) {
      return Optional.empty();
    }
    // gate_up maps from the hidden axis, down maps to it; K comes last when rows come first.
    return Optional.of(gateUp == last ? Axes.ROWS_FIRST : Axes.COLUMNS_FIRST);
  }

  private static QuantException refused(CheckpointTensor tensor, String what) {
    return new QuantException(
        tensor.entry().name()
            + " in "
            + tensor.file()
            + ": "
            + what
            + "; leave it as it is with --skip "
            + prefix(tensor).replaceAll(".*\\.", ""));
  }
}
