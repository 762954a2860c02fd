package org.sparkao.quant.checkpoint;

import java.io.Serializable;
import java.util.Objects;
import org.sparkao.quant.safetensors.TensorEntry;

/**
 * A tensor and the file that holds it.
 *
 * @param file name within the checkpoint's folder
 * @param entry name, type, shape and bytes
 */
public record CheckpointTensor(String file, TensorEntry entry) implements Serializable {

  /** Both are given. */
  public CheckpointTensor {
    Objects.requireNonNull(file, "file");
    Objects.requireNonNull(entry, "entry");
  }
}
