package org.sparkao.quant.gguf;

import java.io.Serializable;
import java.util.List;
import java.util.Objects;

/**
 * A tensor of a file.
 *
 * @param name as in the header
 * @param shape row-major, the last axis contiguous; the file has it the other way round
 * @param type of its blocks
 * @param offset of its first byte from the begin of the data, a multiple of {@link
 *     GgufHeader#ALIGNMENT}
 */
public record GgufTensor(String name, List<Long> shape, GgufType type, long offset)
    implements Serializable {

  /** Rows are whole blocks. */
  public GgufTensor {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(type, "type");
    shape = List.copyOf(shape);
    if (shape.isEmpty() || !type.fits(shape.get(shape.size() - 1))) {
      throw new IllegalArgumentException(name + " " + shape + " in blocks of " + type);
    }
  }

  /** Bytes without what aligns the next one. */
  public long bytes() {
    long values = 1;
    for (long size : shape) {
      values = Math.multiplyExact(values, size);
    }
    return type.bytes(values);
  }
}
