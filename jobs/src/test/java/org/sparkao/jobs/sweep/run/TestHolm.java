package org.sparkao.jobs.sweep.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

/** Against {@code p.adjust(p, "holm")} of R, by its definition on paper. */
class TestHolm {
  /** 4 x 0.01, 3 x 0.015, 2 x 0.03 and 0.04, the last of which may not be less than before. */
  @Test
  void leastProbabilityCountsAllTests() {
    assertThat(Holm.adjusted(new double[] {0.01, 0.04, 0.03, 0.015}))
        .containsExactly(new double[] {0.04, 0.06, 0.06, 0.045}, within(1e-12));
  }

  @Test
  void oneTestIsAsItWas() {
    assertThat(Holm.adjusted(new double[] {0.2})).containsExactly(0.2);
    assertThat(Holm.adjusted(new double[0])).isEmpty();
  }

  @Test
  void probabilityEndsAtOne() {
    assertThat(Holm.adjusted(new double[] {0.9, 0.8})).containsExactly(1, 1);
  }
}
