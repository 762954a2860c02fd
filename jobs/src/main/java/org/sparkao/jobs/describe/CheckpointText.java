package org.sparkao.jobs.describe;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.sparkao.jobs.job.TextTable;
import org.sparkao.jobs.job.Texts;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.checkpoint.CheckpointTensor;
import org.sparkao.quant.safetensors.DType;

/** A checkpoint that no run of the tables wrote, as far as its headers and its config tell. */
final class CheckpointText {
  private CheckpointText() {}

  /** The lines. */
  static List<String> lines(Checkpoint checkpoint) {
    List<String> lines = new ArrayList<>();
    TextTable facts =
        TextTable.of(TextTable.text("checkpoint"), TextTable.text(checkpoint.location()))
            .row("files", Texts.count(checkpoint.shards().size()))
            .row("tensors", Texts.count(checkpoint.tensors().size()))
            .row("size", Texts.bytes(checkpoint.totalBytes()))
            .row("quantization", quantization(checkpoint))
            .row("fingerprint", checkpoint.fingerprint());
    lines.addAll(facts.lines());
    lines.add("");
    lines.addAll(types(checkpoint).lines());
    return lines;
  }

  private static String quantization(Checkpoint checkpoint) {
    JsonNode config =
        checkpoint
            .config()
            .map(node -> node.path("quantization_config"))
            .filter(JsonNode::isObject)
            .orElse(null);
    if (config == null) {
      return "none";
    }
    String format = config.path("format").asText("");
    return config.path("quant_method").asText("-") + (format.isEmpty() ? "" : ", " + format);
  }

  private static TextTable types(Checkpoint checkpoint) {
    Map<DType, long[]> counts = new TreeMap<>();
    for (CheckpointTensor tensor : checkpoint.tensors()) {
      long[] count = counts.computeIfAbsent(tensor.entry().dtype(), type -> new long[2]);
      count[0]++;
      count[1] += tensor.entry().bytes();
    }
    TextTable table =
        TextTable.of(TextTable.text("type"), TextTable.number("tensors"), TextTable.number("size"));
    counts.forEach(
        (type, count) -> table.row(type.name(), Texts.count(count[0]), Texts.bytes(count[1])));
    return table;
  }
}
