package org.sparkao.quant.gguf;

/**
 * Q4_1 and Q5_1: x = d q + m, with m the smallest value and d the range over the codes. Bytes: d
 * and m as fp16, for five bits the fifth ones, the low four.
 */
final class OffsetBlock implements Block {
  private static final int SIZE = 32;

  private final int bits;
  private final byte[] codes = new byte[SIZE];
  private final float[] weights = new float[SIZE];
  private final OffsetFit fit;

  OffsetBlock(int bits) {
    this.bits = bits;
    this.fit = new OffsetFit(OffsetFit.Grid.weighted((1 << bits) - 1), weights);
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
    pack(out, at);
  }

  @Override
  public void encode(float[] values, int from, Importance importance, byte[] out, int at) {
    importance.weigh(values, from, SIZE, importance.meanSquareOfRow(values), weights);
    BlockNumbers.half(fit.fit(values, from, codes, 0), out, at);
    BlockNumbers.half(-fit.offset(), out, at + 2);
    pack(out, at);
  }

  private void pack(byte[] out, int at) {
    if (bits == 5) {
      Nibbles.fifth(codes, out, at + 4);
    }
    Nibbles.low(codes, 0, out, at + (bits == 5 ? 8 : 4));
  }

  @Override
  public void decode(byte[] bytes, int from, float[] values, int at) {
    float scale = BlockNumbers.half(bytes, from);
    float least = BlockNumbers.half(bytes, from + 2);
    Nibbles.unpackLow(bytes, from + (bits == 5 ? 8 : 4), codes);
    if (bits == 5) {
      Nibbles.addFifth(bytes, from + 4, codes);
    }
    for (int j = 0; j < SIZE; j++) {
      values[at + j] = codes[j] * scale + least;
    }
  }
}
