package org.sparkao.gpu.model;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Objects;
import java.util.function.Supplier;
import org.sparkao.quant.safetensors.DType;

/**
 * A tensor of a checkpoint that is read when it is needed.
 *
 * @param name in the checkpoint, for messages
 * @param dtype element type
 * @param shape row-major, the last axis contiguous
 * @param bytes reads all elements, little endian, position 0 to limit; every call reads again, and
 *     the result is the caller's
 */
public record StoredTensor(String name, DType dtype, List<Long> shape, Supplier<ByteBuffer> bytes) {
  /** All parts are given. */
  public StoredTensor {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(dtype, "dtype");
    Objects.requireNonNull(bytes, "bytes");
    shape = List.copyOf(shape);
  }
}
