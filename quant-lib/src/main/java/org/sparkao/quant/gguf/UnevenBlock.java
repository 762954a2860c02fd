package org.sparkao.quant.gguf;

/** IQ4_NL: x = d v(q), with v the 16 values of {@link UnevenFit}. Bytes: d as fp16, codes. */
final class UnevenBlock implements Block {
  private static final int SIZE = 32;

  private final byte[] codes = new byte[SIZE];
  private final float[] weights = new float[SIZE];

  @Override
  public void encode(float[] values, int from, byte[] out, int at) {
    encode(values, from, UnevenFit.scale(values, from), out, at);
  }

  @Override
  public void encode(float[] values, int from, Importance importance, byte[] out, int at) {
    float meanSquare = Importance.squares(values, from, SIZE) * (2f / SIZE);
    importance.weigh(values, from, SIZE, meanSquare, weights);
    encode(values, from, UnevenFit.scale(values, from, weights), out, at);
  }

  private void encode(float[] values, int from, float scale, byte[] out, int at) {
    float inverse = BlockNumbers.inverse(scale);
    BlockNumbers.half(scale, out, at);
    for (int j = 0; j < SIZE; j++) {
      codes[j] = (byte) UnevenFit.code(inverse * values[from + j]);
    }
    Nibbles.low(codes, 0, out, at + 2);
  }

  @Override
  public void decode(byte[] bytes, int from, float[] values, int at) {
    float scale = BlockNumbers.half(bytes, from);
    Nibbles.unpackLow(bytes, from + 2, codes);
    for (int j = 0; j < SIZE; j++) {
      values[at + j] = scale * UnevenFit.value(codes[j]);
    }
  }
}
