package org.sparkao.jobs.quantize.plan;

import java.io.Serializable;
import java.util.List;
import java.util.Objects;
import org.sparkao.quant.safetensors.ShardHeader;

/**
 * One file of the output: the work of one Spark task.
 *
 * @param file its name in the output folder
 * @param units what it holds, in the order of the source
 * @param tensorNames the tensors of the whole checkpoint, where its layout wants them in every file
 */
public record ShardTask(String file, List<Unit> units, String tensorNames) implements Serializable {

  /** Freezes the units. */
  public ShardTask {
    Objects.requireNonNull(file, "file");
    Objects.requireNonNull(tensorNames, "tensorNames");
    units = List.copyOf(units);
  }

  /**
   * Tensors that must be worked on together: layers whose weights share a range, and what belongs
   * to them.
   *
   * @param tensors in the order of the source
   */
  public record Unit(List<TensorTask> tensors) implements Serializable {
    /** Freezes the tensors. */
    public Unit {
      tensors = List.copyOf(tensors);
    }
  }

  /** All tensors, in order. */
  public List<TensorTask> tensors() {
    return units.stream().flatMap(unit -> unit.tensors().stream()).toList();
  }

  /** The header of the file, with the place of every tensor. */
  public ShardHeader header(Arithmetic arithmetic) {
    return ShardHeader.of(
        tensors().stream().flatMap(task -> task.outputs(arithmetic).stream()).toList(),
        OutputLayout.of(arithmetic.layout()).metadata(this, arithmetic));
  }

  /** Bytes that are read for it. */
  public long sourceBytes() {
    return tensors().stream().mapToLong(TensorTask::sourceBytes).sum();
  }
}
