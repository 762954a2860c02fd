package org.sparkao.jobs.quantize.run;

import java.io.Serializable;
import java.util.List;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.checkpoint.FileEntry;

/**
 * A folder as it was at planning. Travels to the executors.
 *
 * @param location absolute
 * @param files those with tensors
 */
public record Planned(String location, List<SourceFile> files) implements Serializable {
  /** No folder. */
  public static final Planned NONE = new Planned("", List.of());

  /** Freezes the list. */
  public Planned {
    files = List.copyOf(files);
  }

  /** The folder of a checkpoint. */
  public static Planned of(Checkpoint checkpoint) {
    return new Planned(
        checkpoint.location(),
        checkpoint.shards().stream().map(shard -> SourceFile.of(shard.file())).toList());
  }

  /** A file as it was at planning. */
  record SourceFile(String name, long size, String version) implements Serializable {
    static SourceFile of(FileEntry file) {
      return new SourceFile(file.name(), file.size(), file.version());
    }

    FileEntry entry() {
      return new FileEntry(name, size, version);
    }
  }
}
