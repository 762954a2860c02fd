package org.sparkao.gpu.gemm;

import java.nio.ByteBuffer;
import org.sparkao.quant.format.Overflow;

/** Elements in little-endian memory. */
final class GemmNumbers {
  private GemmNumbers() {}

  /** Element {@code index}, exactly. */
  static float read(ByteBuffer bytes, ElementType type, long index) {
    int at = Math.toIntExact(index * type.bytes());
    return switch (type.bytes()) {
      case Byte.BYTES -> type.decode(Byte.toUnsignedInt(bytes.get(at)));
      case Short.BYTES -> type.decode(Short.toUnsignedInt(bytes.getShort(at)));
      default -> bytes.getFloat(at);
    };
  }

  /** Writes element {@code index}, rounded to nearest, ties to even; too large becomes infinite. */
  static void write(ByteBuffer bytes, ElementType type, long index, double value) {
    int at = Math.toIntExact(index * type.bytes());
    if (type == ElementType.FP32) {
      bytes.putFloat(at, (float) value);
    } else {
      bytes.putShort(at, (short) type.encode((float) value, Overflow.SPECIAL));
    }
  }

  /** The nearest number of a type. */
  static float round(float value, ElementType type) {
    return type.decode(type.encode(value, Overflow.SPECIAL));
  }
}
