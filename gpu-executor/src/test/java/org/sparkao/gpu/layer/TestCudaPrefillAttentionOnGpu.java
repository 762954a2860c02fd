package org.sparkao.gpu.layer;

import org.junit.jupiter.api.Tag;

/** The kernels, on the GPU of this machine. */
@Tag("gpu")
class TestCudaPrefillAttentionOnGpu extends AbstractTestPrefillAttention {
  @Override
  CaseDevice open() {
    return CaseDevice.gpu();
  }

  @Override
  PrefillAttention operator() {
    return new CudaPrefillAttention(tested.library());
  }
}
