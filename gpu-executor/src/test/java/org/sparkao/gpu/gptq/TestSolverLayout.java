package org.sparkao.gpu.gptq;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** What the rounding of rows wants of a device. */
class TestSolverLayout {
  /** 99 KB are the least that supported devices allow a block (CUDA C++ Programming Guide). */
  @Test
  void blocksFitEverywhere() {
    assertThat(SolverLayout.SHARED_BYTES).isLessThan(99 << 10);
    assertThat(CudaFactor.MOST_SHARED_BYTES).isLessThan(99 << 10);
  }
}
