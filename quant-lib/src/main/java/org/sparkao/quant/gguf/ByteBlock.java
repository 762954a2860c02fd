package org.sparkao.quant.gguf;

/** Q8_0: x = d q with d = largest magnitude / 127, ties away from zero. Bytes: d as fp16, codes. */
final class ByteBlock implements Block {
  private static final int SIZE = BlockLoops.SIZE;

  private final BlockLoops loops;

  ByteBlock(BlockLoops loops) {
    this.loops = loops;
  }

  @Override
  public void encode(float[] values, int from, byte[] out, int at) {
    float scale = Math.abs(loops.extreme(values, from)) / 127;
    float inverse = BlockNumbers.inverse(scale);
    BlockNumbers.half(scale, out, at);
    loops.nearestAway(values, from, inverse, out, at + 2);
  }

  @Override
  public void decode(byte[] bytes, int from, float[] values, int at) {
    float scale = BlockNumbers.half(bytes, from);
    for (int j = 0; j < SIZE; j++) {
      values[at + j] = bytes[from + 2 + j] * scale;
    }
  }
}
