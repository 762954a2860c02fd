package org.sparkao.datasets.sample;

import java.util.ArrayList;
import java.util.List;

/** Choices from lists, in an order that depends on the seed alone. */
final class Draw {
  private final SplitMix64 random;

  Draw(long seed) {
    this.random = new SplitMix64(seed);
  }

  /** A number from {@code least} to {@code most}, both inclusive. */
  int between(int least, int most) {
    return least + random.below(most - least + 1);
  }

  /** One element of a list that is not empty. */
  <T> T one(List<T> list) {
    return list.get(random.below(list.size()));
  }

  /** The first {@code count} elements of a shuffled copy (Fisher and Yates, from the front). */
  <T> List<T> some(List<T> list, int count) {
    List<T> left = new ArrayList<>(list);
    List<T> taken = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      taken.add(left.remove(random.below(left.size())));
    }
    return taken;
  }

  /** A shuffled copy. */
  <T> List<T> shuffled(List<T> list) {
    return some(list, list.size());
  }

  /** A seed for another generator. */
  long seed() {
    return random.nextLong();
  }
}
