package org.sparkao.gpu.gemm;

import org.junit.jupiter.api.Tag;

/** The kernel, on the GPU of this machine. */
@Tag("gpu")
class TestCudaFp32GemmOnGpu extends AbstractTestFp32Gemm {
  @Override
  GemmDevice open() {
    return GemmDevice.gpu();
  }

  @Override
  Fp32Gemm fp32(GemmDevice on) {
    return new CudaFp32Gemm(on.library());
  }
}
