package org.sparkao.gpu.model;

import java.nio.ByteBuffer;

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

  /** The same numbers in memory of their own. */
  public HiddenStates copy() {
    ByteBuffer copy = ByteBuffer.allocate(bytes.capacity());
    copy.put(bytes());
    return new HiddenStates(tokens, copy);
  }
}
