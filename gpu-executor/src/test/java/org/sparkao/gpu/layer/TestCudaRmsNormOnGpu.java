package org.sparkao.gpu.layer;

import org.junit.jupiter.api.Tag;

/** The kernels, on the GPU of this machine. */
@Tag("gpu")
class TestCudaRmsNormOnGpu extends AbstractTestRmsNorm {
  @Override
  CaseDevice open() {
    return CaseDevice.gpu();
  }

  @Override
  RmsNorm operator() {
    return new CudaRmsNorm(tested.library());
  }
}
