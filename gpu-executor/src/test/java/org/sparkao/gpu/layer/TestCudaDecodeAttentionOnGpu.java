package org.sparkao.gpu.layer;

import org.junit.jupiter.api.Tag;

/** The kernels, on the GPU of this machine. */
@Tag("gpu")
class TestCudaDecodeAttentionOnGpu extends AbstractTestDecodeAttention {
  @Override
  CaseDevice open() {
    return CaseDevice.gpu();
  }

  @Override
  DecodeAttention operator() {
    return new CudaDecodeAttention(tested.library());
  }
}
