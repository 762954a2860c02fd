package org.sparkao.gpu.layer;

import org.junit.jupiter.api.Tag;

/** The kernels, on the GPU of this machine. */
@Tag("gpu")
class TestCudaSwiGluOnGpu extends AbstractTestSwiGlu {
  @Override
  CaseDevice open() {
    return CaseDevice.gpu();
  }

  @Override
  SwiGlu operator() {
    return new CudaSwiGlu(tested.library());
  }
}
