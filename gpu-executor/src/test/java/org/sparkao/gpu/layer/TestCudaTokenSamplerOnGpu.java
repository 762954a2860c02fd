package org.sparkao.gpu.layer;

import org.junit.jupiter.api.Tag;

/** The kernel, on the GPU of this machine. */
@Tag("gpu")
class TestCudaTokenSamplerOnGpu extends AbstractTestTokenSampler {
  @Override
  CaseDevice open() {
    return CaseDevice.gpu();
  }

  @Override
  TokenSampler operator() {
    return new CudaTokenSampler(tested.library());
  }
}
