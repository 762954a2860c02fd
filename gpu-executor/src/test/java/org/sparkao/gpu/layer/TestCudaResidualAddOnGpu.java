package org.sparkao.gpu.layer;

import org.junit.jupiter.api.Tag;

/** The kernels, on the GPU of this machine. */
@Tag("gpu")
class TestCudaResidualAddOnGpu extends AbstractTestResidualAdd {
  @Override
  CaseDevice open() {
    return CaseDevice.gpu();
  }

  @Override
  ResidualAdd operator() {
    return new CudaResidualAdd(tested.library());
  }
}
