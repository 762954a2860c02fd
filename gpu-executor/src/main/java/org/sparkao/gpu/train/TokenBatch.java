package org.sparkao.gpu.train;

import java.util.List;

/**
 * Sequences one after the other. Arrays are its own: nobody changes them, and a device may keep
 * copies of them as long as it is used.
 */
public final class TokenBatch {
  /** The target of a token that has none. */
  public static final int NO_TARGET = -1;

  private final int[] ids;
  private final int[] targets;
  private final int[] positions;
  private final int[] boundaries;

  private TokenBatch(int[] ids, int[] targets, int[] positions, int[] boundaries) {
    this.ids = ids;
    this.targets = targets;
    this.positions = positions;
    this.boundaries = boundaries;
  }

  /**
   * Packs sequences, each of at least one token. A token's target is the next one of its sequence;
   * the last has none.
   */
  public static TokenBatch of(List<int[]> sequences) {
    int tokens = sequences.stream().mapToInt(ids -> ids.length).sum();
    TokenBatch batch =
        new TokenBatch(
            new int[tokens], new int[tokens], new int[tokens], new int[sequences.size() + 1]);
    int at = 0;
    for (int i = 0; i < sequences.size(); i++) {
      int[] sequence = sequences.get(i);
      if (sequence.length == 0) {
        throw new IllegalArgumentException("sequence " + i + " of a batch has no token");
      }
      for (int position = 0; position < sequence.length; position++) {
        boolean last = position == sequence.length - 1;
        batch.ids[at] = sequence[position];
        batch.targets[at] = last ? NO_TARGET : sequence[position + 1];
        batch.positions[at] = position;
        at++;
      }
      batch.boundaries[i + 1] = at;
    }
    return batch;
  }

  /** Of all sequences together. */
  public int tokens() {
    return ids.length;
  }

  /** How many. */
  public int sequences() {
    return boundaries.length - 1;
  }

  /** Tokens that have a target. */
  public int predicted() {
    return tokens() - sequences();
  }

  /** [tokens]. */
  public int[] ids() {
    return ids;
  }

  /** [tokens]: what follows, or {@link #NO_TARGET}. */
  public int[] targets() {
    return targets;
  }

  /** [tokens]: places in their sequences. */
  public int[] positions() {
    return positions;
  }

  /** Sequence i is tokens boundaries[i] to boundaries[i + 1] - 1. */
  public int[] boundaries() {
    return boundaries;
  }

  /** Tokens of the longest sequence. */
  public int longest() {
    int longest = 0;
    for (int i = 0; i < sequences(); i++) {
      longest = Math.max(longest, boundaries[i + 1] - boundaries[i]);
    }
    return longest;
  }
}
