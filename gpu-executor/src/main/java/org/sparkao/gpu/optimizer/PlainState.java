package org.sparkao.gpu.optimizer;

import java.nio.ByteBuffer;

/** fp32 numbers as they are. */
final class PlainState implements StateCodec {
  static final PlainState CODEC = new PlainState();

  private PlainState() {}

  @Override
  public void decode(ByteBuffer codes, ByteBuffer scales, int begin, int count, float[] out) {
    codes.asFloatBuffer().get(begin, out, 0, count);
  }

  @Override
  public void encode(float[] values, int begin, int count, ByteBuffer codes, ByteBuffer scales) {
    codes.asFloatBuffer().put(begin, values, 0, count);
  }
}
