package org.sparkao.quant.gguf;

/** IQ4_NL: x = d v(q), with v the 16 values of {@link UnevenFit}. Bytes: d as fp16, codes. */
final class UnevenBlock implements BlockEncoder {
  private static final int SIZE = 32;

  private final byte[] codes = new byte[SIZE];

  @Override
  public void encode(float[] values, int from, byte[] out, int at) {
    float scale = UnevenFit.scale(values, from);
    float inverse = BlockNumbers.inverse(scale);
    BlockNumbers.half(scale, out, at);
    for (int j = 0; j < SIZE; j++) {
      codes[j] = (byte) UnevenFit.code(inverse * values[from + j]);
    }
    Nibbles.low(codes, 0, out, at + 2);
  }
}
