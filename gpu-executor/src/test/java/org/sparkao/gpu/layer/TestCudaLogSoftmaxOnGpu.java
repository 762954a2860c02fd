package org.sparkao.gpu.layer;

import org.junit.jupiter.api.Tag;

/** The kernels, on the GPU of this machine. */
@Tag("gpu")
class TestCudaLogSoftmaxOnGpu extends AbstractTestLogSoftmax {
  @Override
  CaseDevice open() {
    return CaseDevice.gpu();
  }

  @Override
  LogSoftmax operator() {
    return new CudaLogSoftmax(tested.library());
  }
}
