package org.sparkao.quant.gguf;

/** Q8_0: x = d q with d = largest magnitude / 127, ties away from zero. Bytes: d as fp16, codes. */
final class ByteBlock implements BlockEncoder {
  private static final int SIZE = 32;

  @Override
  public void encode(float[] values, int from, byte[] out, int at) {
    float scale = Math.abs(BlockNumbers.extreme(values, from, SIZE)) / 127;
    float inverse = BlockNumbers.inverse(scale);
    BlockNumbers.half(scale, out, at);
    for (int j = 0; j < SIZE; j++) {
      out[at + 2 + j] = (byte) BlockNumbers.nearestAway(values[from + j] * inverse);
    }
  }
}
