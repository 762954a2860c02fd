package org.sparkao.jobs.evaluate.plan;

import java.io.Serializable;

/**
 * Tokens, of which the last ones are scored.
 *
 * @param ids all tokens; owned by the record
 * @param firstScored index of the first one that is scored given all before it; at least 1
 */
public record TokenSequence(int[] ids, int firstScored) implements Serializable {
  /** Refuses a sequence of which nothing is scored. */
  public TokenSequence {
    if (firstScored < 1 || firstScored >= ids.length) {
      throw new IllegalArgumentException("scored from " + firstScored + " of " + ids.length);
    }
  }

  /** How many tokens are scored. */
  public int scored() {
    return ids.length - firstScored;
  }
}
