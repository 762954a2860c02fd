package org.sparkao.gpu.layer;

import org.sparkao.gpu.device.Buffer;

/** What all operators ask of their arguments. */
final class LayerShapes {
  /** Elements of a 16-byte access. */
  static final int OCTET = 8;

  private LayerShapes() {}

  /** Refuses what is no positive multiple. */
  static void checkMultiple(String what, int value, int of) {
    if (value <= 0 || value % of != 0) {
      throw new IllegalArgumentException(
          what + " " + value + " is not a positive multiple of " + of);
    }
  }

  static void checkPositive(String what, int value) {
    checkMultiple(what, value, 1);
  }

  static void checkAtMost(String what, int value, int largest) {
    if (value > largest) {
      throw new IllegalArgumentException(what + " " + value + " is more than " + largest);
    }
  }

  /** Refuses a buffer that is too small for {@code count} elements. */
  static void checkBytes(String what, Buffer buffer, long count, int elementBytes) {
    if (buffer.bytes() < count * elementBytes) {
      throw new IllegalArgumentException(
          what
              + ": "
              + count
              + " elements of "
              + elementBytes
              + " bytes do not fit into "
              + buffer.bytes()
              + " bytes");
    }
  }

  static void checkBf16(String what, Buffer buffer, long count) {
    checkBytes(what, buffer, count, Short.BYTES);
  }

  static int ceilDiv(int a, int b) {
    return (a + b - 1) / b;
  }
}
