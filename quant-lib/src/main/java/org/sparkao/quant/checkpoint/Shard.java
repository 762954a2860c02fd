package org.sparkao.quant.checkpoint;

import java.util.Objects;
import org.sparkao.quant.safetensors.SafetensorsHeader;

/**
 * One safetensors file of a checkpoint.
 *
 * @param file name, size and version
 * @param header its tensors
 */
public record Shard(FileEntry file, SafetensorsHeader header) {

  /** Both are given. */
  public Shard {
    Objects.requireNonNull(file, "file");
    Objects.requireNonNull(header, "header");
  }
}
