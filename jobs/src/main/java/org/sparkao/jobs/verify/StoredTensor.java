package org.sparkao.jobs.verify;

import java.util.List;
import org.sparkao.quant.safetensors.DType;

/**
 * A tensor as a header states it.
 *
 * @param name its full name
 * @param dtype element type
 * @param shape row-major, the last axis contiguous
 * @param file the shard that holds it, relative to the checkpoint
 */
record StoredTensor(String name, DType dtype, List<Long> shape, String file) {
  StoredTensor {
    shape = List.copyOf(shape);
  }

  /** What comes before the last dot: the module; empty for a name without a dot. */
  String module() {
    return name.substring(0, Math.max(0, name.lastIndexOf('.')));
  }

  /** What comes after the last dot. */
  String suffix() {
    return name.substring(name.lastIndexOf('.') + 1);
  }

  /** Number of elements; 1 for a scalar. */
  long elements() {
    return shape.stream().reduce(1L, Math::multiplyExact);
  }

  /** Size in the file. */
  long bytes() {
    return dtype.bytes(elements());
  }
}
