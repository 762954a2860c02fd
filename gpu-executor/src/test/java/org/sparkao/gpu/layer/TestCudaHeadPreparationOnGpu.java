package org.sparkao.gpu.layer;

import org.junit.jupiter.api.Tag;

/** The kernels, on the GPU of this machine. */
@Tag("gpu")
class TestCudaHeadPreparationOnGpu extends AbstractTestHeadPreparation {
  @Override
  CaseDevice open() {
    return CaseDevice.gpu();
  }

  @Override
  HeadPreparation operator() {
    return new CudaHeadPreparation(tested.library());
  }
}
