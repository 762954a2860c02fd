package org.sparkao.jobs.quantize.budget;

import java.util.Arrays;
import java.util.List;

/**
 * The multiple-choice knapsack: of every unit one choice, all together within a number of bits, the
 * least error. Solved exactly by dynamic programming over bits (Dudzinski and Walukiewicz 1987,
 * section 3) when all sizes are multiples of a large enough unit; else sizes are rounded up to one,
 * and how far the result may be from the best is told by the Lagrangian bound.
 */
final class Knapsack {
  /** Most numbers of bits that are told apart, and most places in the table of choices. */
  private static final long MOST_STATES = 1 << 16;

  private static final long MOST_PLACES = 1 << 26;

  private static final int BISECTIONS = 200;

  private final List<List<Choice>> units;
  private final long bits;

  private Knapsack(List<List<Choice>> units, long bits) {
    this.units = units;
    this.bits = bits;
  }

  /**
   * What was chosen.
   *
   * @param choices index of the choice of each unit
   * @param bits of all together
   * @param error of all together
   * @param bound no choice within the bits has less error than this
   */
  record Solution(int[] choices, long bits, double error, double bound) {}

  /**
   * Solves it.
   *
   * @param units at least one choice each
   * @param bits at least the sum of the smallest choices
   */
  static Solution solve(List<List<Choice>> units, long bits) {
    if (leastBits(units) > bits) {
      throw new IllegalArgumentException(leastBits(units) + " bits at least, not " + bits);
    }
    return new Knapsack(units, bits).solve();
  }

  /** The bits of the smallest choice of each unit together. */
  static long leastBits(List<List<Choice>> units) {
    return units.stream().mapToLong(Knapsack::smallest).sum();
  }

  private static long smallest(List<Choice> unit) {
    return unit.stream().mapToLong(Choice::bits).min().orElseThrow();
  }

  private Solution solve() {
    long spare = bits - leastBits(units);
    long states = Math.max(1, Math.min(MOST_STATES, MOST_PLACES / Math.max(1, units.size())));
    long unit = Math.max(commonUnit(), 1);
    boolean exact = spare / unit < states;
    if (!exact) {
      unit = spare / (states - 1) + 1;
    }
    int[] choices = program((int) (spare / unit), unit);
    long used = 0;
    double error = 0;
    for (int i = 0; i < choices.length; i++) {
      Choice choice = units.get(i).get(choices[i]);
      used += choice.bits();
      error += choice.error();
    }
    return new Solution(choices, used, error, exact ? error : Math.min(error, lagrangian()));
  }

  /** The greatest number that divides what every choice has more than the smallest of its unit. */
  private long commonUnit() {
    long common = 0;
    for (List<Choice> unit : units) {
      long smallest = smallest(unit);
      for (Choice choice : unit) {
        common = gcd(common, choice.bits() - smallest);
      }
    }
    return common;
  }

  private static long gcd(long a, long b) {
    return b == 0 ? a : gcd(b, a % b);
  }

  /** least[s]: the least error of the units so far with at most s units of bits to spare. */
  private int[] program(int capacity, long unit) {
    double[] least = new double[capacity + 1];
    byte[][] chosen = new byte[units.size()][capacity + 1];
    for (int i = 0; i < units.size(); i++) {
      List<Choice> choices = units.get(i);
      long smallest = smallest(choices);
      double[] next = new double[capacity + 1];
      Arrays.fill(next, Double.POSITIVE_INFINITY);
      for (int c = 0; c < choices.size(); c++) {
        long more = choices.get(c).bits() - smallest;
        long steps = (more + unit - 1) / unit;
        for (int s = (int) Math.min(steps, capacity + 1L); s <= capacity; s++) {
          double error = least[s - (int) steps] + choices.get(c).error();
          if (error < next[s]) {
            next[s] = error;
            chosen[i][s] = (byte) c;
          }
        }
      }
      least = next;
    }
    return trace(chosen, capacity, unit);
  }

  private int[] trace(byte[][] chosen, int capacity, long unit) {
    int[] choices = new int[units.size()];
    int left = capacity;
    for (int i = units.size() - 1; i >= 0; i--) {
      choices[i] = chosen[i][left];
      long more = units.get(i).get(choices[i]).bits() - smallest(units.get(i));
      left -= (int) ((more + unit - 1) / unit);
    }
    return choices;
  }

  /**
   * The largest of sum(min(error + price * bits)) - price * bits over prices of a bit: a concave
   * function, whose slope says on which side its top is.
   */
  private double lagrangian() {
    double low = 0;
    double high = 1e300;
    double best = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < BISECTIONS; i++) {
      double price = low == 0 ? Math.sqrt(Double.MIN_NORMAL * high) : Math.sqrt(low * high);
      Priced priced = priced(price);
      best = Math.max(best, priced.value());
      if (priced.bits() > bits) {
        low = price;
      } else {
        high = price;
      }
    }
    return Math.max(best, priced(0).value());
  }

  private record Priced(double value, long bits) {}

  private Priced priced(double price) {
    double value = -price * bits;
    long used = 0;
    for (List<Choice> unit : units) {
      double least = Double.POSITIVE_INFINITY;
      long size = 0;
      for (Choice choice : unit) {
        double cost = choice.error() + price * choice.bits();
        if (cost < least) {
          least = cost;
          size = choice.bits();
        }
      }
      value += least;
      used += size;
    }
    return new Priced(value, used);
  }
}
