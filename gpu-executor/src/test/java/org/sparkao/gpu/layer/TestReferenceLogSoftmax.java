package org.sparkao.gpu.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

/** The reference, with values computed by hand. */
class TestReferenceLogSoftmax extends AbstractTestLogSoftmax {
  @Override
  CaseDevice open() {
    return CaseDevice.cpu();
  }

  @Override
  LogSoftmax operator() {
    return new ReferenceLogSoftmax();
  }

  @Test
  void knowsSmallRows() {
    // log(1 / 3) = -1.0986123; 1 - log(e + e^2 + e^3) = -2.4076059.
    float[] logits = {7, 7, 7, 1, 2, 3};
    Result result = score(tested, operator(), LogSoftmax.Type.FP32, logits, 0, 0);
    assertThat(result.logProbabilities()[0]).isCloseTo(-1.0986123f, within(1e-6f));
    assertThat(result.logProbabilities()[1]).isCloseTo(-2.4076059f, within(1e-6f));
    assertThat(result.greedy()).containsExactly(0, 2);
    assertThat(result.isGreedy()).containsExactly(1, 0);
  }
}
