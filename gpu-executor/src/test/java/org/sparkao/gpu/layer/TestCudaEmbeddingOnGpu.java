package org.sparkao.gpu.layer;

import org.junit.jupiter.api.Tag;

/** The kernels, on the GPU of this machine. */
@Tag("gpu")
class TestCudaEmbeddingOnGpu extends AbstractTestEmbedding {
  @Override
  CaseDevice open() {
    return CaseDevice.gpu();
  }

  @Override
  Embedding operator() {
    return new CudaEmbedding(tested.library());
  }
}
