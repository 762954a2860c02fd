package org.sparkao.gpu.gemm;

/** The reference. */
class TestReferenceSparseGemm extends AbstractTestSparseGemm {
  @Override
  GemmDevice open() {
    return GemmDevice.cpu();
  }

  @Override
  PrefillGemm sparse(GemmDevice on) {
    return new ReferenceSparseGemm();
  }

  @Override
  int[] rows() {
    return new int[] {1, 3, 9};
  }
}
