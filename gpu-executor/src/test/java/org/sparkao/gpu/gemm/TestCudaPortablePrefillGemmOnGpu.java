package org.sparkao.gpu.gemm;

import org.junit.jupiter.api.Tag;

/** The kernels of every architecture, on the GPU of this machine. */
@Tag("gpu")
class TestCudaPortablePrefillGemmOnGpu extends AbstractTestPrefillGemm {
  @Override
  GemmDevice open() {
    return GemmDevice.gpu();
  }

  @Override
  PrefillGemm prefill(GemmDevice on) {
    return new CudaPortablePrefillGemm(on.library());
  }

  @Override
  int[] rows() {
    return new int[] {1, 2, 7, 16, 65, 127, 128, 129, 256, 257, 300};
  }

  @Override
  boolean roundsInt4() {
    return false;
  }
}
