package org.sparkao.gpu.tensor;

import java.nio.ByteBuffer;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.quant.format.WeightType;

/**
 * A matrix [rows, columns] on a device, columns contiguous. A vector has one row. Whoever allocated
 * it closes it; {@link #slice} is a view that need not be closed.
 */
public interface Tensor extends AutoCloseable {
  /** Rows. */
  int rows();

  /** Elements of a row. */
  int columns();

  /** All elements. */
  default long elements() {
    return (long) rows() * columns();
  }

  /**
   * Some rows, sharing memory; valid as long as this tensor is.
   *
   * @param rowBegin inclusive
   * @param rowEnd exclusive, at least {@code rowBegin}
   */
  Tensor slice(int rowBegin, int rowEnd);

  /**
   * Copies all elements to the host, after all work launched before.
   *
   * @param to receives {@link #elements()} numbers from {@code offset}
   */
  void read(float[] to, int offset);

  /** Takes {@link #elements()} numbers of the host from {@code offset}. */
  void write(float[] from, int offset);

  /**
   * Takes {@link #elements()} numbers of the host, little endian, from the first byte on; rounds
   * where its own type is narrower.
   *
   * @param type of the numbers
   */
  default void write(ByteBuffer numbers, WeightType type) {
    ByteBuffer bytes = numbers.duplicate().rewind();
    byte[] stored = new byte[bytes.remaining()];
    bytes.get(stored);
    float[] values = new float[stored.length / type.bytes()];
    for (int i = 0; i < values.length; i++) {
      values[i] = type.read(stored, type.bytes() * i);
    }
    write(values, 0);
  }

  /**
   * Takes {@link #elements()} numbers from the begin of memory of its device, as {@link
   * #write(ByteBuffer, WeightType)} does.
   *
   * @param type of the numbers
   */
  default void copyFrom(Buffer numbers, WeightType type) {
    ByteBuffer bytes = ByteBuffer.allocate(Math.toIntExact(elements() * type.bytes()));
    numbers.device().read(numbers, 0, bytes);
    write(bytes, type);
  }

  /**
   * Puts all elements at the begin of memory of its device, rounded to nearest even.
   *
   * @param type of the numbers there
   */
  default void copyTo(Buffer numbers, WeightType type) {
    float[] values = toFloats();
    byte[] bytes = new byte[Math.multiplyExact(values.length, type.bytes())];
    for (int i = 0; i < values.length; i++) {
      type.write(type.round(values[i]), bytes, type.bytes() * i);
    }
    numbers.device().write(numbers, 0, ByteBuffer.wrap(bytes));
  }

  /** A copy of all elements on the host. */
  default float[] toFloats() {
    float[] all = new float[Math.toIntExact(elements())];
    read(all, 0);
    return all;
  }

  /** Gives the memory back. Closing twice, or closing a slice, does nothing. */
  @Override
  void close();
}
