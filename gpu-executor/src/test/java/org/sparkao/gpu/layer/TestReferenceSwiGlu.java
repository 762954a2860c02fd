package org.sparkao.gpu.layer;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** The reference, with values computed by hand. */
class TestReferenceSwiGlu extends AbstractTestSwiGlu {
  /** silu(-1) = -0.268941 -> -138 / 512; silu(20) = 20; silu(1) = 0.731059 -> 187 / 256. */
  private static final float[] EXPECTED = {0, 40, -0.26953125f, 0.73046875f, 0, 0, 0, 0};

  @Override
  CaseDevice open() {
    return CaseDevice.cpu();
  }

  @Override
  SwiGlu operator() {
    return new ReferenceSwiGlu();
  }

  @Test
  void readsHalves() {
    float[] x = {0, 20, -1, 1, 0, 0, 0, 0, 5, 2, 1, 1, 0, 0, 0, 0};
    assertThat(apply(tested, operator(), SwiGlu.Order.HALVES, x, 8)).containsExactly(EXPECTED);
  }

  @Test
  void readsPairs() {
    float[] x = {0, 5, 20, 2, -1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0};
    assertThat(apply(tested, operator(), SwiGlu.Order.PAIRS, x, 8)).containsExactly(EXPECTED);
  }
}
