package org.sparkao.gpu.layer;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** The reference, with values computed by hand. */
class TestReferenceEmbedding extends AbstractTestEmbedding {
  @Override
  CaseDevice open() {
    return CaseDevice.cpu();
  }

  @Override
  Embedding operator() {
    return new ReferenceEmbedding();
  }

  @Test
  void picksRows() {
    float[] table = {0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13, 14, 15, 16, 17};
    assertThat(gather(tested, operator(), table, 8, 1, 0, 1))
        .containsExactly(
            10, 11, 12, 13, 14, 15, 16, 17, 0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13, 14, 15, 16, 17);
  }
}
