package org.sparkao.quant.algorithm;

/** The inner loop that finds ranges. All implementations give the same range. */
interface RangeKernel {

  /** Extends {@code range} by {@code count} elements from byte {@code offset} on. */
  void extend(byte[] source, int offset, int count, GroupRange range);
}
