package org.sparkao.jobs.export.plan;

import java.util.List;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.gguf.GgufHeader;

/**
 * A file to write.
 *
 * @param recipe what was asked for
 * @param checkpoint that is read
 * @param header of the file
 * @param tensors in the order of the file
 */
public record ExportPlan(
    GgufRecipe recipe, Checkpoint checkpoint, GgufHeader header, List<PlannedTensor> tensors) {

  /** Owns its list. */
  public ExportPlan {
    tensors = List.copyOf(tensors);
  }

  /** Bytes of the file. */
  public long bytes() {
    return header.bytes().length + dataBytes();
  }

  /** Bytes of all tensors with what aligns them. */
  public long dataBytes() {
    return tensors.stream().mapToLong(tensor -> GgufHeader.aligned(tensor.target().bytes())).sum();
  }
}
