package org.sparkao.jobs.page;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class TestScale {
  @Test
  void endsAndMarksAreRound() {
    Scale scale = Scale.around(-0.13, 0.44, 8);
    assertThat(scale.marks().stream().map(scale::text))
        .containsExactly("-0.2", "-0.1", "0.0", "0.1", "0.2", "0.3", "0.4", "0.5");
    assertThat(scale.position(0.15)).isCloseTo(0.5, within(1e-12));
  }

  @Test
  void hasNoMorePartsThanAskedForBeyondItsEnds() {
    assertThat(Scale.around(0, 97, 8).marks()).containsExactly(0.0, 20.0, 40.0, 60.0, 80.0, 100.0);
    assertThat(Scale.around(0, 97, 25).step()).isEqualTo(5);
  }

  @Test
  void endsWhereValuesDo() {
    assertThat(Scale.around(100, 100, 8).within(0, 100).marks()).containsExactly(98.0, 100.0);
    assertThat(Scale.around(3, 97, 8).within(0, 100).marks()).endsWith(80.0, 100.0);
    assertThat(Scale.around(0, 0.4, 2).within(0, 100).low()).isZero();
  }

  @Test
  void aSingleValueLiesInside() {
    for (double value : new double[] {0, 35.5, -1e-9, 1e12}) {
      Scale scale = Scale.around(value, value, 8);
      assertThat(scale.position(value)).isBetween(0.0, 1.0);
    }
  }
}
