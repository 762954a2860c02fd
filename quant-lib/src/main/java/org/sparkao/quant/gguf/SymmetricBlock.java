package org.sparkao.quant.gguf;

/**
 * Q4_0 and Q5_0: x = d (q - 2^(bits-1)), with d so that the value of largest magnitude gets the
 * code 0. Bytes: d as fp16, for five bits the fifth ones, the low four.
 */
final class SymmetricBlock implements BlockEncoder {
  private static final int SIZE = 32;

  private final int bits;
  private final byte[] codes = new byte[SIZE];

  SymmetricBlock(int bits) {
    this.bits = bits;
  }

  @Override
  public void encode(float[] values, int from, byte[] out, int at) {
    int middle = 1 << bits - 1;
    float scale = BlockNumbers.extreme(values, from, SIZE) / -middle;
    float inverse = BlockNumbers.inverse(scale);
    BlockNumbers.half(scale, out, at);
    for (int j = 0; j < SIZE; j++) {
      codes[j] =
          (byte) Math.min(2 * middle - 1, (int) (values[from + j] * inverse + (middle + 0.5f)));
    }
    if (bits == 5) {
      Nibbles.fifth(codes, out, at + 2);
    }
    Nibbles.low(codes, 0, out, at + (bits == 5 ? 6 : 2));
  }
}
