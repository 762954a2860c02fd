package org.sparkao.quant.gguf;

/** Q8_0: x = d q with d = largest magnitude / 127, ties away from zero. Bytes: d as fp16, codes. */
final class ByteBlock implements Block {
  private static final int SIZE = BlockRun.SIZE;
  private static final int BYTES = Short.BYTES + SIZE;

  private final BlockLoops loops;
  private final BlockRun run = new BlockRun(BYTES);

  ByteBlock(BlockLoops loops) {
    this.loops = loops;
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
    for (int block = 0; block < run.count; block++) {
      run.scale(block, Math.abs(run.extremes[block]) / 127);
    }
    loops.bytes(run);
    run.clearTiny();
  }

  @Override
  public void decode(byte[] bytes, int from, float[] values, int at) {
    float scale = BlockNumbers.half(bytes, from);
    for (int j = 0; j < SIZE; j++) {
      values[at + j] = bytes[from + 2 + j] * scale;
    }
  }
}
