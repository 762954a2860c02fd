package org.sparkao.quant.algorithm;

/** The inner loop that finds ranges. All implementations give the same range. */
interface RangeKernel {

  /** Extends {@code range} by {@code count} elements from byte {@code offset} on. */
  void extend(byte[] source, int offset, int count, GroupRange range);

  /**
   * Extends {@code range} by a block: {@code rows} times {@code count} elements, each row {@code
   * rowBytes} after the one before.
   */
  default void extendBlock(
      byte[] source, int offset, int count, int rows, int rowBytes, GroupRange range) {
    for (int row = 0; row < rows; row++) {
      extend(source, offset + row * rowBytes, count, range);
    }
  }
}
