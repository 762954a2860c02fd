package org.sparkao.quant.gguf;

import org.sparkao.quant.format.WeightType;

/** Plain numbers of a checkpoint, many at a time. */
public final class NumberRows {
  private static final BlockLoops LOOPS = BlockLoops.choose();

  private NumberRows() {}

  /**
   * Decodes numbers, little endian.
   *
   * @param bytes from {@code at} on
   * @param values receives {@code count} numbers from {@code from} on
   * @return whether all are finite
   */
  public static boolean read(
      WeightType type, byte[] bytes, int at, float[] values, int from, int count) {
    if (type == WeightType.BF16) {
      return LOOPS.bf16(bytes, at, values, from, count);
    }
    boolean finite = true;
    for (int i = 0; i < count; i++) {
      values[from + i] = type.read(bytes, at + i * type.bytes());
      finite &= Float.isFinite(values[from + i]);
    }
    return finite;
  }
}
