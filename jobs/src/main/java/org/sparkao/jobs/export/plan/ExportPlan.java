package org.sparkao.jobs.export.plan;

import java.util.List;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.gguf.GgufHeader;

/**
 * Files to write.
 *
 * @param recipe what was asked for
 * @param checkpoint that is read
 * @param files in order; one unless a size was given
 */
public record ExportPlan(GgufRecipe recipe, Checkpoint checkpoint, List<PlannedFile> files) {

  /** Owns its list. */
  public ExportPlan {
    files = List.copyOf(files);
  }

  /**
   * One file.
   *
   * @param header of it
   * @param tensors in its order
   */
  public record PlannedFile(GgufHeader header, List<PlannedTensor> tensors) {
    /** Owns its list. */
    public PlannedFile {
      tensors = List.copyOf(tensors);
    }
  }

  /** All tensors, file by file. */
  public List<PlannedTensor> tensors() {
    return files.stream().flatMap(file -> file.tensors().stream()).toList();
  }

  /** Bytes of all files. */
  public long bytes() {
    return files.stream().mapToLong(file -> file.header().bytes().length).sum() + dataBytes();
  }

  /** Bytes of all tensors with what aligns them. */
  public long dataBytes() {
    return tensors().stream()
        .mapToLong(tensor -> GgufHeader.aligned(tensor.target().bytes()))
        .sum();
  }
}
