package org.sparkao.datasets.task;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.apache.commons.math3.random.MersenneTwister;

/**
 * {@code random.Random(seed)} of CPython 3.11: the Mersenne Twister begun by an array of the seed's
 * words, and {@code sample} over it ({@code Lib/random.py}).
 */
final class PythonRandom {
  /** Up to this many elements more than are drawn, {@code sample} copies the list; see its code. */
  private static final int SMALL_SET = 21;

  private final MersenneTwister twister;

  PythonRandom(int seed) {
    this.twister = new MersenneTwister(new int[] {seed});
  }

  /**
   * {@code sample(population, k)}.
   *
   * @throws IllegalArgumentException if there are fewer than {@code k}
   */
  <T> List<T> sample(List<T> population, int k) {
    int n = population.size();
    if (k < 0 || k > n) {
      throw new IllegalArgumentException(k + " cannot be drawn of " + n);
    }
    return n <= setSize(k) ? fromCopy(population, k) : fromPlaces(population, k);
  }

  private static long setSize(int k) {
    long power = 1;
    while (power < 3L * k) {
      power *= 4;
    }
    return k > 5 ? SMALL_SET + power : SMALL_SET;
  }

  private <T> List<T> fromCopy(List<T> population, int k) {
    List<T> pool = new ArrayList<>(population);
    List<T> drawn = new ArrayList<>();
    for (int i = 0; i < k; i++) {
      int place = below(pool.size() - i);
      drawn.add(pool.get(place));
      pool.set(place, pool.get(pool.size() - i - 1));
    }
    return drawn;
  }

  private <T> List<T> fromPlaces(List<T> population, int k) {
    Set<Integer> taken = new HashSet<>();
    List<T> drawn = new ArrayList<>();
    for (int i = 0; i < k; i++) {
      int place = below(population.size());
      while (!taken.add(place)) {
        place = below(population.size());
      }
      drawn.add(population.get(place));
    }
    return drawn;
  }

  /** {@code _randbelow}: the upper bits of a word, drawn again while they are too large. */
  private int below(int n) {
    int unused = Integer.numberOfLeadingZeros(n);
    int value = twister.nextInt() >>> unused;
    while (value >= n) {
      value = twister.nextInt() >>> unused;
    }
    return value;
  }
}
