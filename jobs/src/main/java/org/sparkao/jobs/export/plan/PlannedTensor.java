package org.sparkao.jobs.export.plan;

import java.io.Serializable;
import java.util.Objects;
import java.util.Optional;
import org.sparkao.quant.checkpoint.CheckpointTensor;
import org.sparkao.quant.gguf.GgufTensor;

/**
 * A tensor of the output and where its numbers come from.
 *
 * @param target name, shape, type and place
 * @param origin a tensor of the checkpoint, or numbers made while planning
 */
public record PlannedTensor(GgufTensor target, Origin origin) implements Serializable {

  /**
   * Where numbers come from.
   *
   * @param source a tensor of the checkpoint; null for made numbers
   * @param heads of a projection whose rows are put in llama.cpp's order; 0 for rows as they are
   * @param made numbers that no file holds; null for those of a tensor
   */
  public record Origin(CheckpointTensor source, int heads, float[] made) implements Serializable {

    /** Numbers of a tensor, rows as they are. */
    static Origin tensor(CheckpointTensor source, int heads) {
      return new Origin(Objects.requireNonNull(source, "source"), heads, null);
    }

    /** Numbers that no file holds. */
    static Origin made(float[] values) {
      return new Origin(null, 0, values);
    }

    /** The tensor that is read, if any. */
    public Optional<CheckpointTensor> tensor() {
      return Optional.ofNullable(source);
    }
  }

  /** Both are given. */
  public PlannedTensor {
    Objects.requireNonNull(target, "target");
    Objects.requireNonNull(origin, "origin");
  }

  /** Bytes that are read for it. */
  public long sourceBytes() {
    return origin.tensor().map(tensor -> tensor.entry().bytes()).orElse(0L);
  }
}
