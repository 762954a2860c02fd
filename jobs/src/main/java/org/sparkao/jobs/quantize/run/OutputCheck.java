package org.sparkao.jobs.quantize.run;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.sparkao.jobs.config.ByteSize;
import org.sparkao.jobs.quantize.plan.ConfigJson;
import org.sparkao.jobs.quantize.plan.QuantizePlan;
import org.sparkao.jobs.quantize.plan.ShardTask;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.jobs.storage.Provenance;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.storage.WorkFolder;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.checkpoint.Checkpoint;

/** Whether a plan can be carried out in an output folder, looked at before anything is written. */
public final class OutputCheck {
  private final Folder output;
  private final Checkpoint source;
  private final QuantizePlan plan;

  /** A check of one folder for one plan. */
  public OutputCheck(Folder output, Checkpoint source, QuantizePlan plan) {
    this.output = output;
    this.source = source;
    this.plan = plan;
  }

  /** Whether the folder holds the result of this very plan. */
  public boolean finished() throws IOException {
    if (output.size(Provenance.FILE).isEmpty()
        || !output.list(WorkFolder.NAME).isEmpty()
        || !fingerprint().equals(plan.fingerprint())) {
      return false;
    }
    for (ShardTask shard : plan.shards()) {
      if (output.size(shard.file()).isEmpty()) {
        throw new QuantException(
            output.location()
                + "/"
                + shard.file()
                + ": was removed from the finished output;"
                + " delete the folder to make it again");
      }
    }
    return true;
  }

  /**
   * Refuses a folder that is not free, or too small.
   *
   * @throws QuantException saying what is in the way
   */
  public void require() throws IOException {
    requireApart();
    List<String> there = output.list("");
    if (!there.contains(WorkFolder.NAME) && !there.isEmpty()) {
      throw new QuantException(
          output.location()
              + (there.contains(Provenance.FILE)
                  ? ": holds the finished run "
                      + provenance().get("run_id")
                      + " of another recipe or another source"
                  : ": is not empty (" + there.get(0) + (there.size() > 1 ? ", ..." : "") + ")")
              + "; choose another --output, or delete the folder");
    }
    requireSpace(there);
  }

  private String fingerprint() throws IOException {
    return String.valueOf(provenance().get("fingerprint"));
  }

  private Map<String, Object> provenance() throws IOException {
    return ConfigJson.parse(
        output.location() + "/" + Provenance.FILE, output.read(Provenance.FILE));
  }

  private void requireApart() {
    Optional<Path> from = Storage.localPath(source.location());
    Optional<Path> to = Storage.localPath(output.location());
    boolean inside =
        from.isPresent() && to.isPresent()
            ? to.orElseThrow().startsWith(from.orElseThrow())
            : (output.location() + "/").startsWith(source.location() + "/");
    boolean onlyFile = source.config().isEmpty() && !output.location().equals(source.location());
    if (inside && !onlyFile) {
      throw new QuantException(
          output.location()
              + ": lies in the checkpoint that is read, "
              + source.location()
              + "; choose an --output outside");
    }
  }

  private void requireSpace(List<String> there) throws IOException {
    long present = 0;
    for (String file : there) {
      present += output.size(file).orElse(0);
    }
    long needed = Math.max(0, plan.totals().outputBytes() - present);
    OptionalLong free = output.freeBytes();
    if (free.isPresent() && free.getAsLong() < needed) {
      throw new QuantException(
          output.location()
              + ": no space left: the output needs "
              + ByteSize.format(needed)
              + " ("
              + needed
              + " bytes), "
              + ByteSize.format(free.getAsLong())
              + " are free; free some, or choose another --output");
    }
  }
}
