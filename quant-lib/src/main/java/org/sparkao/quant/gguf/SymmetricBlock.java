package org.sparkao.quant.gguf;

/**
 * Q4_0 and Q5_0: x = d (q - 2^(bits-1)), with d so that the value of largest magnitude gets the
 * code 0. Bytes: d as fp16, for five bits the fifth ones, the low four.
 */
final class SymmetricBlock implements Block {
  private static final int SIZE = BlockRun.SIZE;

  private final int bits;
  private final byte[] codes = new byte[SIZE];
  private final float[] weights = new float[SIZE];
  private final SymmetricFit fit;
  private final BlockLoops loops;
  private final BlockRun run;

  SymmetricBlock(int bits, BlockLoops loops) {
    this.bits = bits;
    this.loops = loops;
    this.fit = new SymmetricFit(1 << bits - 1, weights);
    this.run = new BlockRun(Short.BYTES + bits * SIZE / Byte.SIZE);
  }

  @Override
  public void encode(float[] values, int from, byte[] out, int at) {
    run.begin(values, from, 1, out, at);
    encodeRun();
  }

  @Override
  public void encodeAll(float[] values, int count, GgufType type, byte[] out) {
    run.each(values, count, out, this::encodeRun);
  }

  private void encodeRun() {
    loops.extremes(run);
    int middle = 1 << bits - 1;
    for (int block = 0; block < run.count; block++) {
      run.scale(block, run.extremes[block] / -middle);
    }
    loops.symmetric(run, bits);
    run.clearTiny();
  }

  @Override
  public void encode(float[] values, int from, Importance importance, byte[] out, int at) {
    importance.weigh(values, from, SIZE, importance.meanSquareOfRow(values), weights);
    BlockNumbers.half(fit.fit(values, from, codes, 0), out, at);
    Nibbles.symmetric(codes, bits, out, at + Short.BYTES);
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
