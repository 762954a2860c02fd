package org.sparkao.quant.gguf;

/**
 * Q4_0 and Q5_0: x = d (q - 2^(bits-1)), with d so that the value of largest magnitude gets the
 * code 0. Bytes: d as fp16, for five bits the fifth ones, the low four.
 */
final class SymmetricBlock implements Block {
  private static final int SIZE = BlockLoops.SIZE;

  private final int bits;
  private final byte[] codes = new byte[SIZE];
  private final float[] weights = new float[SIZE];
  private final SymmetricFit fit;
  private final BlockLoops loops;

  SymmetricBlock(int bits, BlockLoops loops) {
    this.bits = bits;
    this.loops = loops;
    this.fit = new SymmetricFit(1 << bits - 1, weights);
  }

  @Override
  public void encode(float[] values, int from, byte[] out, int at) {
    int middle = 1 << bits - 1;
    float scale = loops.extreme(values, from) / -middle;
    float inverse = BlockNumbers.inverse(scale);
    BlockNumbers.half(scale, out, at);
    loops.codes(values, from, inverse, middle, codes);
    pack(out, at);
  }

  @Override
  public void encode(float[] values, int from, Importance importance, byte[] out, int at) {
    importance.weigh(values, from, SIZE, importance.meanSquareOfRow(values), weights);
    BlockNumbers.half(fit.fit(values, from, codes, 0), out, at);
    pack(out, at);
  }

  private void pack(byte[] out, int at) {
    if (bits == 5) {
      Nibbles.fifth(codes, out, at + 2);
    }
    Nibbles.low(codes, 0, out, at + (bits == 5 ? 6 : 2));
  }

  @Override
  public void decode(byte[] bytes, int from, float[] values, int at) {
    float scale = BlockNumbers.half(bytes, from);
    Nibbles.unpackLow(bytes, from + (bits == 5 ? 6 : 2), codes);
    if (bits == 5) {
      Nibbles.addFifth(bytes, from + 2, codes);
    }
    int middle = 1 << bits - 1;
    for (int j = 0; j < SIZE; j++) {
      values[at + j] = (codes[j] - middle) * scale;
    }
  }
}
