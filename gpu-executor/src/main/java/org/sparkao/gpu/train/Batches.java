package org.sparkao.gpu.train;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntUnaryOperator;

/** Items cut into batches. */
final class Batches {
  private Batches() {}

  /**
   * As many neighbours as fit go together.
   *
   * @param tokens of an item, at most {@code most}
   */
  static List<int[]> cut(int[] items, IntUnaryOperator tokens, int most) {
    List<int[]> all = new ArrayList<>();
    int begin = 0;
    int sum = 0;
    for (int i = 0; i < items.length; i++) {
      int length = tokens.applyAsInt(items[i]);
      if (sum + length > most) {
        all.add(Arrays.copyOfRange(items, begin, i));
        begin = i;
        sum = 0;
      }
      sum += length;
    }
    all.add(Arrays.copyOfRange(items, begin, items.length));
    return all;
  }
}
