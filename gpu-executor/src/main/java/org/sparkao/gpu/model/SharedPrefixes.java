package org.sparkao.gpu.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Sequences that are packed with what neighbours begin with only once: the answers to a question go
 * on from one copy of it. A token attends to the same tokens at the same positions either way.
 */
final class SharedPrefixes {
  /** A shorter prefix is not worth a sequence of its own. */
  private static final int SHORTEST = 8;

  private final List<int[]> sequences;
  private final int[][] rows;
  private final int[] ids;
  private final int[] positions;
  private final List<Integer> ends = new ArrayList<>();
  private final List<Integer> prefixes = new ArrayList<>();
  private int at;
  private int longest;

  private SharedPrefixes(List<int[]> sequences) {
    int tokens = sequences.stream().mapToInt(ids -> ids.length).sum();
    this.sequences = sequences;
    this.rows = new int[sequences.size()][];
    this.ids = new int[tokens];
    this.positions = new int[tokens];
  }

  /**
   * The pass, and in which row of it every token of every sequence is.
   *
   * @param rows one array a sequence
   */
  record Packed(PackedTokens tokens, int[][] rows) {}

  /** Packs sequences; places in a cache are 0, for there is none. */
  static Packed pack(List<int[]> sequences) {
    SharedPrefixes packing = new SharedPrefixes(sequences);
    int first = 0;
    while (first < sequences.size()) {
      first = packing.group(first);
    }
    return packing.packed();
  }

  /**
   * Packs the sequences from {@code first} on that share most; returns the one behind them. One
   * more is taken as long as that saves tokens.
   */
  private int group(int first) {
    int shared = sequences.get(first).length;
    int end = first + 1;
    while (end < sequences.size()) {
      int with = common(sequences.get(first), sequences.get(end), shared);
      if (with < SHORTEST || (long) with * (end - first) <= (long) shared * (end - first - 1)) {
        break;
      }
      shared = with;
      end++;
    }
    if (end == first + 1) {
      rows[first] = new int[sequences.get(first).length];
      segment(first, 0, sequences.get(first).length, 0);
      return end;
    }
    int prefix = at;
    rows[first] = new int[sequences.get(first).length];
    segment(first, 0, shared, 0);
    for (int i = first; i < end; i++) {
      int length = sequences.get(i).length;
      if (i > first) {
        rows[i] = new int[length];
        System.arraycopy(rows[first], 0, rows[i], 0, shared);
      }
      if (length > shared) {
        segment(i, shared, length, prefix);
      }
    }
    return end;
  }

  /** How many of the first {@code most} tokens are the same. */
  private static int common(int[] a, int[] b, int most) {
    int length = Math.min(most, b.length);
    int different = Arrays.mismatch(a, 0, length, b, 0, length);
    return different < 0 ? length : different;
  }

  /** Adds tokens of a sequence; those before {@code begin} are rows from {@code prefix} on. */
  private void segment(int sequence, int begin, int end, int prefix) {
    for (int position = begin; position < end; position++) {
      ids[at] = sequences.get(sequence)[position];
      positions[at] = position;
      rows[sequence][position] = at++;
    }
    ends.add(at);
    prefixes.add(prefix);
    prefixes.add(begin);
    longest = Math.max(longest, end - begin);
  }

  private Packed packed() {
    int[] boundaries = new int[ends.size() + 1];
    for (int i = 0; i < ends.size(); i++) {
      boundaries[i + 1] = ends.get(i);
    }
    boolean shares = prefixes.stream().anyMatch(number -> number > 0);
    return new Packed(
        new PackedTokens(
            Arrays.copyOf(ids, at),
            Arrays.copyOf(positions, at),
            new int[at],
            boundaries,
            longest,
            shares ? prefixes.stream().mapToInt(Integer::intValue).toArray() : new int[0]),
        rows);
  }
}
