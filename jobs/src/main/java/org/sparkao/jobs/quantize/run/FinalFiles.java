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
import org.sparkao.jobs.storage.Provenance;
import org.sparkao.jobs.storage.WorkFolder;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.checkpoint.FileEntry;
import org.sparkao.quant.safetensors.ByteSource;

/**
 * What makes files of tensors a checkpoint. {@code config.json} comes last: a folder without it
 * loads nowhere, so that nobody reads half a checkpoint. Until they are whole, files lie in the
 * work folder, which goes away with whatever a killed driver leaves there.
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

  /**
   * Writes them all. Doing it again changes nothing.
   *
   * @throws RefusedInputException when a file of the source is not what it was at planning
   */
  void write(Map<String, Object> provenance) throws IOException {
    try {
      PlannedFiles.require(source, plan.sideFiles());
      for (FileEntry file : plan.sideFiles()) {
        try (ByteSource content = source.open(file.name())) {
          WorkFolder.copy(content, output, file.name());
        }
      }
      PlannedFiles.require(source, plan.sideFiles());
    } catch (QuantException e) {
      throw new RefusedInputException(e.getMessage(), e);
    }
    text(Provenance.FILE, ConfigJson.format(new TreeMap<>(provenance)) + "\n");
    if (!plan.index().text().isEmpty()) {
      text(plan.index().file(), plan.index().text());
    }
    text(CONFIG, plan.config());
  }

  private void text(String name, String text) throws IOException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    WorkFolder.write(
        output,
        name,
        sink -> {
          sink.write(0, bytes, 0, bytes.length);
          sink.commit();
        });
  }

  /** Removes all files of the output, for input that was refused while it was read. */
  void remove() throws IOException {
    // First what makes it a checkpoint.
    for (String name : List.of(CONFIG, plan.index().file(), Provenance.FILE)) {
      output.delete(name);
    }
    for (FileEntry file : plan.sideFiles()) {
      output.delete(file.name());
    }
    for (ShardTask shard : plan.shards()) {
      output.delete(shard.file());
    }
    if (output.list("").isEmpty()) {
      output.delete("");
    }
  }
}
