package org.sparkao.quant.gguf;

/** Writes blocks of one type. Has scratch space: for one thread. */
@FunctionalInterface
interface BlockEncoder {

  /** Encodes the block of values that begins at {@code from} as the bytes from {@code at} on. */
  void encode(float[] values, int from, byte[] out, int at);
}
