package org.sparkao.gpu.model;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** The residual stream of one sequence, [tokens, hidden], in memory of the host. */
public final class HiddenStates {
  private final int tokens;
  private final ByteBuffer bytes;

  HiddenStates(int tokens, ByteBuffer bytes) {
    this.tokens = tokens;
    this.bytes = bytes;
  }

  /** Tokens of the sequence. */
  public int tokens() {
    return tokens;
  }

  /** As the device stores them. */
  ByteBuffer bytes() {
    return bytes.rewind();
  }

  /**
   * Numbers as a device stores them, from the first byte on.
   *
   * @param stored little endian
   */
  static float[] floats(ByteBuffer stored, Arithmetic arithmetic) {
    ByteBuffer bytes = stored.duplicate().rewind().order(ByteOrder.LITTLE_ENDIAN);
    float[] values = new float[bytes.remaining() / arithmetic.bytes()];
    if (arithmetic == Arithmetic.FP32) {
      bytes.asFloatBuffer().get(values);
    } else {
      for (int i = 0; i < values.length; i++) {
        values[i] = Float.intBitsToFloat(bytes.getShort(Short.BYTES * i) << Short.SIZE);
      }
    }
    return values;
  }

  /** The same numbers in memory of their own. */
  public HiddenStates copy() {
    ByteBuffer copy = ByteBuffer.allocate(bytes.capacity());
    copy.put(bytes());
    return new HiddenStates(tokens, copy);
  }
}
