package org.sparkao.gpu.gemm;

import org.junit.jupiter.api.Tag;

/** The kernels for it, on the GPU of this machine. */
@Tag("gpu")
class TestCudaGroupedGemmOnGpu extends AbstractTestGroupedGemm {
  @Override
  GemmDevice open() {
    return GemmDevice.gpu();
  }

  @Override
  GroupedGemm grouped(GemmDevice on) {
    return CudaGroupedGemm.of(on.library(), GroupedGemm.Operation.DECODE);
  }
}
