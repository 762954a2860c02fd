package org.sparkao.jobs.quantize.budget;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TestKnapsack {

  /** Against all combinations, sizes being multiples of a unit. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void leastErrorOfAllCombinations(long seed) {
    Random random = new Random(seed);
    List<List<Choice>> units = units(random, 7, 1024);
    long least = Knapsack.leastBits(units);
    for (int trial = 0; trial < 20; trial++) {
      long bits = least + random.nextInt(7 * 40) * 1024L + random.nextInt(1024);
      Knapsack.Solution found = Knapsack.solve(units, bits);
      double best = best(units, 0, bits);
      assertThat(found.bits()).isLessThanOrEqualTo(bits);
      assertThat(found.error()).isCloseTo(best, within(1e-9 * best));
      assertThat(found.bound()).isEqualTo(found.error());
      assertThat(sum(units, found.choices())).isCloseTo(found.error(), within(1e-9 * best));
    }
  }

  /** Sizes with no unit in common: the result fits, and the bound holds. */
  @Test
  void boundHoldsWhenSizesAreRounded() {
    Random random = new Random(17);
    List<List<Choice>> units = units(random, 9, 1);
    List<List<Choice>> large = new ArrayList<>();
    for (List<Choice> unit : units) {
      large.add(
          unit.stream()
              .map(
                  c ->
                      new Choice(
                          c.scheme(), c.bits() * 100_003L + random.nextInt(99_991), c.error()))
              .toList());
    }
    long least = Knapsack.leastBits(large);
    for (int trial = 1; trial <= 20; trial++) {
      long bits = least + trial * 1_234_567L;
      Knapsack.Solution found = Knapsack.solve(large, bits);
      double best = best(large, 0, bits);
      assertThat(found.bits()).isLessThanOrEqualTo(bits);
      assertThat(found.error()).isGreaterThanOrEqualTo(best * (1 - 1e-9));
      assertThat(found.error()).isLessThanOrEqualTo(best * 1.01);
      assertThat(found.bound()).isLessThanOrEqualTo(best * (1 + 1e-9));
      assertThat(found.bound()).isGreaterThan(0.5 * best);
    }
  }

  @Test
  void whatCannotFitIsRefused() {
    List<List<Choice>> units = List.of(List.of(new Choice("A", 10, 1)));
    assertThat(Knapsack.solve(units, 10).choices()).containsExactly(0);
    assertThatThrownBy(() -> Knapsack.solve(units, 9)).hasMessage("10 bits at least, not 9");
  }

  private static List<List<Choice>> units(Random random, int count, long unit) {
    List<List<Choice>> units = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      List<Choice> choices = new ArrayList<>();
      for (int c = 0; c < 1 + random.nextInt(4); c++) {
        long bits = 500 + unit * random.nextInt(40);
        choices.add(new Choice("S" + c, bits, random.nextDouble() * 100));
      }
      units.add(choices);
    }
    return units;
  }

  private static double best(List<List<Choice>> units, int from, long bits) {
    if (bits < 0) {
      return Double.POSITIVE_INFINITY;
    }
    if (from == units.size()) {
      return 0;
    }
    double best = Double.POSITIVE_INFINITY;
    for (Choice choice : units.get(from)) {
      best = Math.min(best, choice.error() + best(units, from + 1, bits - choice.bits()));
    }
    return best;
  }

  private static double sum(List<List<Choice>> units, int[] choices) {
    double sum = 0;
    for (int i = 0; i < choices.length; i++) {
      sum += units.get(i).get(choices[i]).error();
    }
    return sum;
  }
}
