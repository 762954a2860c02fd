package org.sparkao.quant.observe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkao.quant.observe.PairwiseSum.Node;

class TestPairwiseSum {

  private static String bracketed(String left, String right) {
    return "(" + left + "+" + right + ")";
  }

  @ParameterizedTest
  @CsvSource({
    "1, 0",
    "2, (0+1)",
    "3, ((0+1)+2)",
    "5, (((0+1)+(2+3))+4)",
    "6, (((0+1)+(2+3))+(4+5))",
    "7, (((0+1)+(2+3))+((4+5)+6))"
  })
  void orderOfTheTreeWhateverTheOrderOfTheCalls(int parts, String expected) {
    for (int seed = 0; seed < 20; seed++) {
      List<Integer> order = new ArrayList<>();
      for (int i = 0; i < parts; i++) {
        order.add(i);
      }
      Collections.shuffle(order, new Random(seed));
      PairwiseSum<String> sum = new PairwiseSum<>(parts, TestPairwiseSum::bracketed);
      for (int part : order) {
        assertThat(sum.total()).isEmpty();
        sum.add(new Node(0, part), String.valueOf(part));
      }
      assertThat(sum.total()).contains(expected);
    }
  }

  @Test
  void sumsOfPartitionsGiveTheSameTree() {
    for (int parts = 1; parts <= 17; parts++) {
      PairwiseSum<String> alone = new PairwiseSum<>(parts, TestPairwiseSum::bracketed);
      for (int part = 0; part < parts; part++) {
        alone.add(new Node(0, part), String.valueOf(part));
      }
      for (int partitions = 1; partitions <= parts; partitions++) {
        PairwiseSum<String> all = new PairwiseSum<>(parts, TestPairwiseSum::bracketed);
        for (int p = partitions - 1; p >= 0; p--) {
          PairwiseSum<String> own = new PairwiseSum<>(parts, TestPairwiseSum::bracketed);
          for (int i = parts * p / partitions; i < parts * (p + 1) / partitions; i++) {
            own.add(new Node(0, i), String.valueOf(i));
          }
          own.nodes().forEach(all::add);
        }
        assertThat(all.total()).isEqualTo(alone.total());
      }
    }
  }

  @Test
  void nothingIsAddedTwice() {
    PairwiseSum<String> sum = new PairwiseSum<>(4, TestPairwiseSum::bracketed);
    sum.add(new Node(0, 1), "1");
    assertThatThrownBy(() -> sum.add(new Node(0, 1), "1"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("twice");
  }
}
