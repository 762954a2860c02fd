package org.sparkao.quant.gguf;

import java.util.Arrays;

/**
 * Neighbouring blocks of 32 values on their way to bytes, and what the steps leave for each other.
 * Used again and again, by one thread.
 */
final class BlockRun {
  /** Values of a block. */
  static final int SIZE = 32;

  /** Blocks that fit: values and bytes stay in the first-level cache. */
  static final int MOST = 64;

  /** The value of largest magnitude of each block, the first of several; 0 when all are zero. */
  final float[] extremes = new float[MOST];

  /** What values are multiplied with, by block. */
  final float[] factors = new float[MOST];

  /** Codes by block, their lowest bits. */
  final int[] codes = new int[SIZE * MOST];

  /** Bytes of a block in {@code out}. */
  final int blockBytes;

  /** Values of all blocks, the first at {@code from}. */
  float[] values;

  int from;

  /** Blocks. */
  int count;

  /** Receives the bytes of all blocks, from {@code at} on. */
  byte[] out;

  int at;

  BlockRun(int blockBytes) {
    this.blockBytes = blockBytes;
  }

  /** Takes other blocks. */
  void begin(float[] newValues, int newFrom, int newCount, byte[] newOut, int newAt) {
    values = newValues;
    from = newFrom;
    count = newCount;
    out = newOut;
    at = newAt;
  }

  /** Begins one run after the other until all values from the first on are done. */
  void each(float[] all, int allValues, byte[] bytes, Runnable encode) {
    int blocks = allValues / SIZE;
    for (int block = 0; block < blocks; block += MOST) {
      int some = Math.min(MOST, blocks - block);
      begin(all, SIZE * block, some, bytes, blockBytes * block);
      encode.run();
    }
  }

  /** Takes the scale of a block: writes it as the half before its codes. */
  void scale(int block, float scale) {
    factors[block] = BlockNumbers.inverse(scale);
    BlockNumbers.half(scale, out, at + block * blockBytes);
  }

  /**
   * Scales so small that their reciprocal is infinite leave codes of zeros, as ggml does on x86,
   * where a number that no integer holds becomes one with zeros at its end.
   */
  void clearTiny() {
    for (int block = 0; block < count; block++) {
      if (Float.isInfinite(factors[block])) {
        int begin = at + block * blockBytes;
        Arrays.fill(out, begin + Short.BYTES, begin + blockBytes, (byte) 0);
      }
    }
  }
}
