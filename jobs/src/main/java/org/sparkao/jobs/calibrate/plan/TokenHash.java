package org.sparkao.jobs.calibrate.plan;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.sparkao.jobs.evaluate.plan.Sha256;

/** What tells data apart: the SHA-256 of all tokens, four bytes each, little endian. */
public final class TokenHash {
  private TokenHash() {}

  /** Of sequences one after the other, lower-case hex. */
  public static String of(List<int[]> sequences) {
    Sha256 hash = new Sha256();
    for (int[] sequence : sequences) {
      ByteBuffer bytes =
          ByteBuffer.allocate(Integer.BYTES * sequence.length).order(ByteOrder.LITTLE_ENDIAN);
      bytes.asIntBuffer().put(sequence);
      hash.add(bytes.array());
    }
    return hash.hex();
  }
}
