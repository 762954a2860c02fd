package org.sparkao.gpu.gemm;

/** The reference. */
class TestReferenceGroupedGemm extends AbstractTestGroupedGemm {
  @Override
  GemmDevice open() {
    return GemmDevice.cpu();
  }

  @Override
  GroupedGemm grouped(GemmDevice on) {
    return new ReferenceGroupedGemm();
  }
}
