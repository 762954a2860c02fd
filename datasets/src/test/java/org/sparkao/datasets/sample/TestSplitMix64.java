package org.sparkao.datasets.sample;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TestSplitMix64 {
  /** The five numbers that implementations of splitmix64.c (Vigna, 2015) are checked with. */
  @Test
  void publishedSequence() {
    SplitMix64 random = new SplitMix64(1234567);
    assertThat(random.nextLong()).isEqualTo(6457827717110365317L);
    assertThat(random.nextLong()).isEqualTo(3203168211198807973L);
    assertThat(Long.toUnsignedString(random.nextLong())).isEqualTo("9817491932198370423");
    assertThat(random.nextLong()).isEqualTo(4593380528125082431L);
    assertThat(Long.toUnsignedString(random.nextLong())).isEqualTo("16408922859458223821");
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 1, -1, SampleText.SEED, Long.MIN_VALUE})
  void sameLongsAsTheJdk(long seed) {
    SplitMix64 ours = new SplitMix64(seed);
    SplittableRandom theirs = new SplittableRandom(seed);
    for (int i = 0; i < 1000; i++) {
      assertThat(ours.nextLong()).isEqualTo(theirs.nextLong());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 24})
  void everyNumberBelowTheBoundComesEquallyOften(int bound) {
    SplitMix64 random = new SplitMix64(7);
    int draws = 24_000;
    int[] seen = new int[bound];
    for (int i = 0; i < draws; i++) {
      seen[random.below(bound)]++;
    }
    double mean = (double) draws / bound;
    for (int count : seen) {
      assertThat(count).isBetween((int) (mean - 5 * Math.sqrt(mean)), (int) (mean * 1.2));
    }
  }
}
