package org.sparkao.gpu.optimizer;

import java.util.Arrays;

/**
 * Runs a rounding rule fast. The rule maps numbers to ranks from 0 on and never falls; the table
 * holds the least number of each rank, found by bisection over the bits of floats, and the rank
 * with which the numbers of the same upper 16 bits begin. Ranks are those of the rule, to the last
 * number.
 */
final class RoundingTable {
  private static final int PREFIXES = 1 << 16;
  private static final int LOWEST = ordered(Float.NEGATIVE_INFINITY);
  private static final int HIGHEST = ordered(Float.POSITIVE_INFINITY);

  /** Where a rank begins; infinity behind the last, which ends every search. */
  private final float[] begins;

  private final byte[] first = new byte[PREFIXES];

  /**
   * A table of a rule.
   *
   * @param ranks how many there are, at most 256
   */
  RoundingTable(int ranks, Rule rule) {
    this.begins = new float[ranks + 1];
    Arrays.fill(begins, Float.NaN);
    for (int rank = 1; rank < ranks; rank++) {
      begins[rank] = least(rank, rule);
    }
    for (int prefix = 0; prefix < PREFIXES; prefix++) {
      boolean negative = prefix >= PREFIXES / 2;
      float least = Float.intBitsToFloat(prefix << 16 | (negative ? 0xFFFF : 0));
      first[prefix] = (byte) rule.rank(least);
    }
  }

  /** A rule that never falls. */
  interface Rule {
    int rank(float value);
  }

  /** The least number of a rank from 1 on; infinity behind the last. */
  float begin(int rank) {
    return rank + 1 < begins.length ? begins[rank] : Float.POSITIVE_INFINITY;
  }

  /** The rank of {@code value}; that of NaN means nothing. */
  int rank(float value) {
    int rank = first[Float.floatToRawIntBits(value) >>> 16] & 0xFF;
    while (value >= begins[rank + 1]) {
      rank++;
    }
    return rank;
  }

  private static float least(int rank, Rule rule) {
    int below = LOWEST;
    int above = HIGHEST;
    while (below < above) {
      int middle = (int) (((long) below + above) >> 1);
      if (rule.rank(number(middle)) >= rank) {
        above = middle;
      } else {
        below = middle + 1;
      }
    }
    return number(above);
  }

  /** Bits of a float as an int that rises with it; negative zero is below zero. */
  private static int ordered(float value) {
    int bits = Float.floatToRawIntBits(value);
    return bits < 0 ? bits ^ Integer.MAX_VALUE : bits;
  }

  private static float number(int ordered) {
    return Float.intBitsToFloat(ordered < 0 ? ordered ^ Integer.MAX_VALUE : ordered);
  }
}
