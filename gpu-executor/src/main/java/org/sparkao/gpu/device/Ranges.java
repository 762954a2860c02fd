package org.sparkao.gpu.device;

import org.sparkao.gpu.GpuErrors;

/** Checks of sizes and ranges, before they reach memory. */
final class Ranges {
  private Ranges() {}

  /** Refuses sizes below one byte. */
  static void checkSize(long bytes) {
    if (bytes < 1) {
      throw new IllegalArgumentException("a buffer of " + bytes + " bytes");
    }
  }

  /** Refuses a range that is not inside a buffer. */
  static void check(String what, long offset, long wanted, long bytes) {
    if (offset < 0 || wanted > bytes - offset) {
      throw new IndexOutOfBoundsException(GpuErrors.outOfBounds(what, offset, wanted, bytes));
    }
  }
}
