package org.sparkao.quant.gguf;

/**
 * Q4_1 and Q5_1: x = d q + m, with m the smallest value and d the range over the codes. Bytes: d
 * and m as fp16, for five bits the fifth ones, the low four.
 */
final class OffsetBlock implements BlockEncoder {
  private static final int SIZE = 32;

  private final int bits;
  private final byte[] codes = new byte[SIZE];

  OffsetBlock(int bits) {
    this.bits = bits;
  }

  @Override
  public void encode(float[] values, int from, byte[] out, int at) {
    float least = Float.MAX_VALUE;
    float most = -Float.MAX_VALUE;
    for (int i = from; i < from + SIZE; i++) {
      least = values[i] < least ? values[i] : least;
      most = values[i] > most ? values[i] : most;
    }
    int largest = (1 << bits) - 1;
    float scale = (most - least) / largest;
    float inverse = BlockNumbers.inverse(scale);
    BlockNumbers.half(scale, out, at);
    BlockNumbers.half(least, out, at + 2);
    for (int j = 0; j < SIZE; j++) {
      codes[j] = (byte) Math.min(largest, (int) ((values[from + j] - least) * inverse + 0.5f));
    }
    if (bits == 5) {
      Nibbles.fifth(codes, out, at + 4);
    }
    Nibbles.low(codes, 0, out, at + (bits == 5 ? 8 : 4));
  }
}
