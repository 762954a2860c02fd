package org.sparkao.gpu.gemm;

/** The reference. */
class TestReferenceFp32Gemm extends AbstractTestFp32Gemm {
  @Override
  GemmDevice open() {
    return GemmDevice.cpu();
  }

  @Override
  Fp32Gemm fp32(GemmDevice on) {
    return new ReferenceFp32Gemm();
  }
}
