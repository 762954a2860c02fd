package org.sparkao.jobs.compare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class TestMcNemar {
  /** Two-sided binomial by hand: 2 * (C(10,0) + C(10,1) + C(10,2)) / 2^10. */
  @Test
  void fewFlipsAreCountedOut() {
    McNemar flips = new McNemar(8, 2);
    assertThat(flips.method()).isEqualTo("exact");
    assertThat(flips.probability()).isCloseTo(2 * 56 / 1024.0, within(1e-12));
  }

  /** Agresti, Categorical Data Analysis (2002), table 10.1: 150 and 86; here with continuity. */
  @Test
  void manyFlipsTakeChiSquareWithContinuity() {
    McNemar flips = new McNemar(150, 86);
    assertThat(flips.method()).isEqualTo("chi-square");
    // 63^2 / 236 = 16.8178; the tail of chi-square with 1 degree is erfc(sqrt(x / 2)) (Python's
    // math.erfc).
    assertThat(flips.probability()).isCloseTo(4.11456e-5, within(1e-9));
  }

  @Test
  void evenFlipsAreChance() {
    assertThat(new McNemar(0, 0).probability()).isEqualTo(1);
    assertThat(new McNemar(40, 40).probability()).isEqualTo(1);
  }
}
