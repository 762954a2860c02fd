package org.sparkao.jobs.calibrate.plan;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Cuts tokens into sequences of one length. Texts follow each other without a gap and are cut
 * wherever a sequence is full; rows of tokens are cut each by itself, and what is left of a row
 * goes away.
 */
final class TokenCutter {
  private final int length;
  private final int most;
  private final List<int[]> sequences = new ArrayList<>();
  private int[] open;
  private int filled;
  private long tokens;
  private long shortRows;

  /** Sequences of {@code length} tokens, at most {@code most} of them. */
  TokenCutter(int length, int most) {
    this.length = length;
    this.most = most;
    this.open = new int[length];
  }

  /** Whether there are as many as were asked for. */
  boolean full() {
    return sequences.size() == most;
  }

  /** A text that follows the one before. */
  void text(int[] ids) {
    tokens += ids.length;
    for (int at = 0; at < ids.length && !full(); ) {
      int count = Math.min(length - filled, ids.length - at);
      System.arraycopy(ids, at, open, filled, count);
      at += count;
      filled += count;
      if (filled == length) {
        sequences.add(open);
        open = new int[length];
        filled = 0;
      }
    }
  }

  /** A row of tokens. */
  void row(int[] ids) {
    tokens += ids.length;
    shortRows += ids.length < length ? 1 : 0;
    for (int at = 0; at + length <= ids.length && !full(); at += length) {
      sequences.add(Arrays.copyOfRange(ids, at, at + length));
    }
  }

  List<int[]> sequences() {
    return sequences;
  }

  /** All tokens that came. */
  long tokens() {
    return tokens;
  }

  /** Rows that are no sequence. */
  long shortRows() {
    return shortRows;
  }
}
