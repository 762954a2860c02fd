package org.sparkao.gpu.model;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The residual stream of one sequence, [tokens, hidden], in memory of the host; within a block also
 * what the next part reads, where that is something else.
 */
public final class HiddenStates {
  private final int tokens;
  private final ByteBuffer bytes;
  private ByteBuffer between = ByteBuffer.allocate(0);

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

  /** What the next part of a block reads beside the residual stream; empty between blocks. */
  ByteBuffer between() {
    return between.rewind();
  }

  /** Takes memory for what the next part reads, and gives the former back. */
  ByteBuffer between(long bytes) {
    between = ByteBuffer.allocate(Math.toIntExact(bytes));
    return between;
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

  /** The same residual stream in memory of its own. */
  public HiddenStates copy() {
    ByteBuffer copy = ByteBuffer.allocate(bytes.capacity());
    copy.put(bytes());
    return new HiddenStates(tokens, copy);
  }
}
