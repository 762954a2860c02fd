package org.sparkao.jobs.train.run;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.jobs.storage.Provenance;
import org.sparkao.jobs.storage.WorkFolder;
import org.sparkao.jobs.train.plan.TrainPlan;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.algorithm.ModuleScales;
import org.sparkao.quant.algorithm.ScalesFile;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.checkpoint.CheckpointIndexWriter;
import org.sparkao.quant.checkpoint.FileEntry;
import org.sparkao.quant.safetensors.ByteSource;

/** The output folder: whether it is free, and what makes its files of tensors a checkpoint. */
public final class TrainOutput {
  private static final String CONFIG = "config.json";
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Folder source;
  private final Folder output;

  /** Of one training. */
  public TrainOutput(Folder source, Folder output) {
    this.source = source;
    this.output = output;
  }

  /** Whether the folder holds the result of this very training. */
  public boolean finished(String fingerprint) throws IOException {
    return output.size(Provenance.FILE).isPresent()
        && output.list(WorkFolder.NAME).isEmpty()
        && provenance().path("fingerprint").asText().equals(fingerprint);
  }

  private JsonNode provenance() throws IOException {
    return JSON.readTree(output.read(Provenance.FILE));
  }

  /**
   * Refuses a folder that holds something else.
   *
   * @throws QuantException saying what is in the way
   */
  public void requireFree() throws IOException {
    if ((output.location() + "/").startsWith(source.location() + "/")) {
      throw new QuantException(
          "--output "
              + output.location()
              + ": lies in the checkpoint that is read; choose a folder outside");
    }
    List<String> there = output.list("");
    if (!there.isEmpty() && !there.contains(WorkFolder.NAME)) {
      throw new QuantException(
          "--output "
              + output.location()
              + (there.contains(Provenance.FILE)
                  ? ": holds the finished run " + provenance().path("run_id").asText()
                  : ": is not empty (" + there.get(0) + (there.size() > 1 ? ", ..." : "") + ")")
              + "; choose another folder, or delete it");
    }
  }

  /** Writes what is beside the tensors; {@code config.json} comes last. */
  void finish(Checkpoint checkpoint, Map<String, Object> provenance) throws IOException {
    List<String> names =
        new ArrayList<>(checkpoint.sideFiles().stream().map(FileEntry::name).toList());
    if (source.size(CheckpointIndexWriter.FILE_NAME).isPresent()) {
      names.add(CheckpointIndexWriter.FILE_NAME);
    }
    names.remove(ScalesFile.NAME);
    for (String name : names) {
      copy(name);
    }
    output.replace(
        Provenance.FILE,
        JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(new TreeMap<>(provenance)));
    copy(CONFIG);
  }

  private void copy(String name) throws IOException {
    try (ByteSource file = source.open(name)) {
      WorkFolder.copy(file, output, name);
    }
  }

  /** Puts the learned scales of all units into one file. */
  void scales(TrainPlan plan, List<Integer> units) throws IOException {
    Map<String, ModuleScales> all = new TreeMap<>();
    for (int unit : units) {
      try (ByteSource file = output.open(UnitFiles.scales(unit))) {
        ScalesFile scales = ScalesFile.open(file);
        for (String module : scales.modules()) {
          all.put(
              module,
              new ModuleScales(
                  plan.schemes().get(module),
                  plan.options().numerics(),
                  plan.stored(),
                  scales.read(file, module)));
        }
      }
    }
    new UnitFiles(output).write(ScalesFile.NAME, sink -> ScalesFile.write(sink, all));
  }
}
