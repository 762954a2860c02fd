package org.sparkao.gpu.train;

import java.util.Random;

/**
 * The order in which items are trained on: every epoch is a permutation of its own, which follows
 * from the seed and the epoch alone. So the items of a step are known without those before it.
 */
public final class DataOrder {
  /** Keeps seeds of neighbouring epochs apart (Steele et al. 2014). */
  private static final long GOLDEN = 0x9E3779B97F4A7C15L;

  private final long seed;
  private final int items;
  private long epoch = -1;
  private int[] permutation = {};

  /** Of items 0 to {@code items} - 1. */
  public DataOrder(long seed, int items) {
    if (items < 1) {
      throw new IllegalArgumentException("there is nothing to train on: " + items + " items");
    }
    this.seed = seed;
    this.items = items;
  }

  /** Items {@code first} to {@code first + count} - 1 of the endless order. */
  public int[] items(long first, int count) {
    int[] some = new int[count];
    for (int i = 0; i < count; i++) {
      long at = first + i;
      turnTo(at / items);
      some[i] = permutation[(int) (at % items)];
    }
    return some;
  }

  /** Fisher and Yates. */
  private void turnTo(long wanted) {
    if (epoch == wanted) {
      return;
    }
    Random random = new Random(seed + GOLDEN * (wanted + 1));
    int[] all = new int[items];
    for (int i = 0; i < items; i++) {
      int j = random.nextInt(i + 1);
      all[i] = all[j];
      all[j] = i;
    }
    epoch = wanted;
    permutation = all;
  }
}
