package org.sparkao.quant.gguf;

/**
 * TQ2_0: x = d (q - 1) with q of 0, 1, 2 and d the largest magnitude of 256 values. Bytes: codes of
 * two bits, d as fp16.
 */
final class TernaryBlock implements Block {
  private static final int SIZE = 256;

  private final byte[] codes = new byte[SIZE];

  @Override
  public void encode(float[] values, int from, byte[] out, int at) {
    float scale = Math.abs(BlockNumbers.extreme(values, from, SIZE));
    float inverse = BlockNumbers.inverse(scale);
    for (int j = 0; j < SIZE; j++) {
      codes[j] = (byte) (BlockNumbers.nearestAway(values[from + j] * inverse) + 1);
    }
    Nibbles.pairs(codes, out, at);
    BlockNumbers.half(scale, out, at + SIZE / 4);
  }

  @Override
  public void decode(byte[] bytes, int from, float[] values, int at) {
    float scale = BlockNumbers.half(bytes, from + SIZE / 4);
    Nibbles.unpackPairs(bytes, from, codes);
    for (int j = 0; j < SIZE; j++) {
      values[at + j] = (codes[j] - 1) * scale;
    }
  }
}
