package org.sparkao.quant.safetensors;

import java.io.Serializable;
import java.util.List;
import java.util.Objects;

/**
 * One tensor of a safetensors file.
 *
 * @param name as in the header
 * @param dtype element type
 * @param shape row-major, the last axis contiguous; empty for a scalar
 * @param begin first byte, counted from the begin of the file
 * @param end one past the last byte, counted from the begin of the file
 */
public record TensorEntry(String name, DType dtype, List<Long> shape, long begin, long end)
    implements Serializable {

  /** Shape and type multiply to the byte range. */
  public TensorEntry {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(dtype, "dtype");
    shape = List.copyOf(shape);
    if (begin < 0 || end < begin || dtype.bytes(elements(shape)) != end - begin) {
      throw new IllegalArgumentException(
          name + ": " + dtype + " " + shape + " in bytes [" + begin + ", " + end + ")");
    }
  }

  /** Length in bytes. */
  public long bytes() {
    return end - begin;
  }

  /** Number of elements; 1 for a scalar. */
  public long elements() {
    return elements(shape);
  }

  /** Size of axis {@code axis}, counted from the slowest. */
  public long dimension(int axis) {
    return shape.get(axis);
  }

  /**
   * Number of elements of a shape.
   *
   * @throws ArithmeticException on overflow, which a zero further on does not excuse
   */
  static long elements(List<Long> shape) {
    long elements = 1;
    for (long size : shape) {
      if (size < 0) {
        throw new IllegalArgumentException("negative size in " + shape);
      }
      elements = Math.multiplyExact(elements, size);
    }
    return elements;
  }
}
