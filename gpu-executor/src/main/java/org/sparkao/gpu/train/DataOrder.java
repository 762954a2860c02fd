package org.sparkao.gpu.train;

import org.sparkao.gpu.layer.Philox;

/**
 * The order in which items are trained on: every epoch is a permutation of its own, which follows
 * from the seed and the epoch alone. So the items of a step are known without those before it.
 */
public final class DataOrder {
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

  /** Fisher and Yates, inside out; the numbers are those of {@link Philox}. */
  private void turnTo(long wanted) {
    if (epoch == wanted) {
      return;
    }
    int[] all = new int[items];
    for (int i = 0; i < items; i++) {
      int j = (int) Philox.below(Philox.bits(seed, Philox.Purpose.ITEM, wanted, i), i + 1);
      all[i] = all[j];
      all[j] = i;
    }
    epoch = wanted;
    permutation = all;
  }
}
