package org.sparkao.gpu.model;

import java.util.List;

/**
 * Sequences one after the other, as a pass takes them.
 *
 * @param ids of all tokens
 * @param positions of the tokens in their sequences
 * @param places of the tokens' sequences in a cache
 * @param boundaries sequence i is tokens boundaries[i] to boundaries[i + 1] - 1
 * @param longest tokens of the longest
 * @param prefixes first token and count of what comes before each sequence, two a sequence; empty
 *     where nothing does
 */
record PackedTokens(
    int[] ids, int[] positions, int[] places, int[] boundaries, int longest, int[] prefixes) {
  /**
   * Packs sequences.
   *
   * @param cachePlaces the place of each sequence in a cache
   */
  static PackedTokens of(List<int[]> sequences, int[] cachePlaces) {
    int tokens = sequences.stream().mapToInt(ids -> ids.length).sum();
    int[] ids = new int[tokens];
    int[] positions = new int[tokens];
    int[] places = new int[tokens];
    int[] boundaries = new int[sequences.size() + 1];
    int at = 0;
    int longest = 0;
    for (int i = 0; i < sequences.size(); i++) {
      int[] sequence = sequences.get(i);
      for (int position = 0; position < sequence.length; position++) {
        ids[at] = sequence[position];
        positions[at] = position;
        places[at] = cachePlaces[i];
        at++;
      }
      boundaries[i + 1] = at;
      longest = Math.max(longest, sequence.length);
    }
    return new PackedTokens(ids, positions, places, boundaries, longest, new int[0]);
  }

  int tokens() {
    return ids.length;
  }

  int sequences() {
    return boundaries.length - 1;
  }
}
