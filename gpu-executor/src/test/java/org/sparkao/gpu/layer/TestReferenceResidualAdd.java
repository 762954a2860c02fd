package org.sparkao.gpu.layer;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** The reference, with values computed by hand. */
class TestReferenceResidualAdd extends AbstractTestResidualAdd {
  @Override
  CaseDevice open() {
    return CaseDevice.cpu();
  }

  @Override
  ResidualAdd operator() {
    return new ReferenceResidualAdd();
  }

  @Test
  void roundsToEven() {
    // Steps are 2^-7 above 1: half a step goes to the even neighbour, one and a half up.
    float half = 0.00390625f;
    float[] a = {1, 1, -1, 256, 0, 0, 0, 0};
    float[] b = {half, 3 * half, -half, 1, 0, 0, 0, 0};
    assertThat(add(tested, operator(), a, b)).containsExactly(1, 1.015625f, -1, 256, 0, 0, 0, 0);
  }
}
