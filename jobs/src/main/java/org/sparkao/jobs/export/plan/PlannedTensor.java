package org.sparkao.jobs.export.plan;

import java.io.Serializable;
import java.util.Objects;
import java.util.Optional;
import org.sparkao.quant.checkpoint.CheckpointTensor;
import org.sparkao.quant.gguf.GgufTensor;
import org.sparkao.quant.gguf.RowEncoder;
import org.sparkao.quant.scheme.Schemes;

/**
 * A tensor of the output and where its numbers come from.
 *
 * @param target name, shape, type and place
 * @param origin a tensor of the checkpoint, or numbers made while planning
 * @param importance mean of x^2 of the input by column; null where all columns count alike
 */
public record PlannedTensor(GgufTensor target, Origin origin, float[] importance)
    implements Serializable {

  /**
   * Where numbers come from.
   *
   * @param source a tensor of the checkpoint; null for made numbers
   * @param heads of a projection whose rows are put in llama.cpp's order; 0 for rows as they are
   * @param scheme of the codes that the tensor holds; empty for plain numbers
   * @param permuted whether groups of those are no neighbours ({@code weight_g_idx})
   * @param made numbers that no file holds; null for those of a tensor
   */
  public record Origin(
      CheckpointTensor source, int heads, String scheme, boolean permuted, float[] made)
      implements Serializable {

    /** Numbers of a tensor. */
    static Origin tensor(CheckpointTensor source, int heads, String scheme, boolean permuted) {
      return new Origin(Objects.requireNonNull(source, "source"), heads, scheme, permuted, null);
    }

    /** Numbers that no file holds. */
    static Origin made(float[] values) {
      return new Origin(null, 0, "", false, values);
    }

    /** The tensor that is read, if any. */
    public Optional<CheckpointTensor> tensor() {
      return Optional.ofNullable(source);
    }

    /** Whether it holds codes. */
    public boolean quantized() {
      return !scheme.isEmpty();
    }
  }

  /** Both are given. */
  public PlannedTensor {
    Objects.requireNonNull(target, "target");
    Objects.requireNonNull(origin, "origin");
  }

  /** What makes blocks of its rows. */
  public RowEncoder encoder() {
    return importance == null ? target.type().encoder() : target.type().encoder(importance);
  }

  /** Whether codes of the source stay as they are. */
  public boolean keepsCodes() {
    return origin.quantized()
        && !origin.permuted()
        && QuantizedTensors.keepsCodes(Schemes.parse(origin.scheme()), target.type());
  }

  /** Bytes that are read for it. */
  public long sourceBytes() {
    return origin.tensor().map(tensor -> tensor.entry().bytes()).orElse(0L);
  }
}
