package org.sparkao.jobs.evaluate.run;

import java.io.Serializable;
import java.util.List;
import org.sparkao.gpu.model.Operation;
import org.sparkao.jobs.gpu.PlannedDevice;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.checkpoint.FileEntry;

/**
 * The model that executors open. Travels to them; equal requests, one model.
 *
 * @param location folder of the checkpoint, absolute
 * @param onlyFile the only file of it that counts; empty for the whole folder
 * @param files those with tensors, as they were at planning
 * @param device what computes
 * @param form in which numbers it computes
 * @param capacity how much it is asked at a time
 */
public record ModelRequest(
    String location,
    String onlyFile,
    List<SourceFile> files,
    PlannedDevice device,
    ModelForm form,
    Capacity capacity)
    implements Serializable {
  /** Freezes the list. */
  public ModelRequest {
    files = List.copyOf(files);
  }

  /** A file as it was at planning. */
  public record SourceFile(String name, long size, String version) implements Serializable {
    static SourceFile of(FileEntry file) {
      return new SourceFile(file.name(), file.size(), file.version());
    }
  }

  /**
   * How much a model is asked at a time.
   *
   * @param batchTokens most tokens of a call
   * @param longest most tokens of a sequence
   * @param memoryBytes most memory of weights and working memory on a device; 0 for whatever there
   *     is
   * @param decoding how sequences are continued
   */
  public record Capacity(int batchTokens, int longest, long memoryBytes, Decoding decoding)
      implements Serializable {}

  /**
   * How sequences are continued.
   *
   * @param sequences most at a time
   * @param products the family that multiplies in a step; results depend on it
   */
  public record Decoding(int sequences, Operation products) implements Serializable {
    /** For the few sequences of a task's items. */
    public static final Decoding OF_ITEMS = new Decoding(16, Operation.DECODE);
  }

  /** The files of a checkpoint. */
  public static List<SourceFile> filesOf(Checkpoint checkpoint) {
    return checkpoint.shards().stream().map(shard -> SourceFile.of(shard.file())).toList();
  }
}
