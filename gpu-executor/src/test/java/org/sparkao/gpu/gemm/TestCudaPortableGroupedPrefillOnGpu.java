package org.sparkao.gpu.gemm;

import org.junit.jupiter.api.Tag;

/** The prefill kernels of every architecture, on the GPU of this machine. */
@Tag("gpu")
class TestCudaPortableGroupedPrefillOnGpu extends AbstractTestGroupedGemm {
  @Override
  GemmDevice open() {
    return GemmDevice.gpu();
  }

  @Override
  GroupedGemm grouped(GemmDevice on) {
    return CudaGroupedGemm.portable(on.library(), GroupedGemm.Operation.PREFILL);
  }
}
