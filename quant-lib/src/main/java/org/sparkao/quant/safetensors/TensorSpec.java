package org.sparkao.quant.safetensors;

import java.util.List;
import java.util.Objects;

/**
 * A tensor that is to be written: everything but its bytes.
 *
 * @param name unique in its file
 * @param dtype element type
 * @param shape row-major, the last axis contiguous; empty for a scalar
 */
public record TensorSpec(String name, DType dtype, List<Long> shape) {

  /** Checks that the elements fill whole bytes. */
  public TensorSpec {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(dtype, "dtype");
    shape = List.copyOf(shape);
    dtype.bytes(TensorEntry.elements(shape));
  }

  /** Length in bytes. */
  public long bytes() {
    return dtype.bytes(TensorEntry.elements(shape));
  }
}
