package org.sparkao.jobs.quantize.run;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.sparkao.jobs.quantize.plan.ConfigJson;
import org.sparkao.jobs.quantize.plan.QuantizePlan;
import org.sparkao.jobs.quantize.plan.ShardTask;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.quant.checkpoint.CheckpointIndexWriter;
import org.sparkao.quant.checkpoint.FileEntry;
import org.sparkao.quant.safetensors.ByteSource;

/**
 * What makes files of tensors a checkpoint. {@code config.json} comes last: a folder without it
 * loads nowhere, so that nobody reads half a checkpoint.
 */
final class FinalFiles {
  private static final String CONFIG = "config.json";

  private final Folder source;
  private final Folder output;
  private final QuantizePlan plan;

  FinalFiles(Folder source, Folder output, QuantizePlan plan) {
    this.source = source;
    this.output = output;
    this.plan = plan;
  }

  /** Writes them all. Doing it again changes nothing. */
  void write(Map<String, Object> provenance) throws IOException {
    for (FileEntry file : plan.sideFiles()) {
      try (ByteSource content = source.open(file.name())) {
        byte[] bytes = new byte[Math.toIntExact(content.size())];
        content.readFully(0, bytes, 0, bytes.length);
        output.replace(file.name(), bytes);
      }
    }
    text(WorkFolder.PROVENANCE, ConfigJson.format(new TreeMap<>(provenance)) + "\n");
    if (!plan.index().isEmpty()) {
      text(CheckpointIndexWriter.FILE_NAME, plan.index());
    }
    text(CONFIG, plan.config());
  }

  private void text(String name, String text) throws IOException {
    output.replace(name, text.getBytes(StandardCharsets.UTF_8));
  }

  /** Removes whatever a run wrote, for input that was refused while it was read. */
  static void remove(Folder output, List<ShardTask> shards) throws IOException {
    // First what a file could still be made from.
    output.delete(WorkFolder.NAME);
    for (ShardTask shard : shards) {
      output.delete(shard.file());
    }
    if (output.list("").isEmpty()) {
      output.delete("");
    }
  }
}
