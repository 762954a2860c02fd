package org.sparkao.gpu.model.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** What attention in fp32 wants of a device. */
class TestFp32Kernels {
  /** CUDA C++ Programming Guide, technical specifications by compute capability. */
  private static final int OF_SM_86 = 99 << 10;

  private static final int OF_SM_80 = 163 << 10;

  @Test
  void headsFitWhereTheyCan() {
    assertThat(Fp32Kernels.padded(8)).isEqualTo(64);
    assertThat(Fp32Kernels.padded(80)).isEqualTo(128);
    assertThat(Fp32Kernels.sharedBytes(128)).isLessThan(OF_SM_86);
    assertThat(Fp32Kernels.sharedBytes(256)).isBetween(OF_SM_86, OF_SM_80);
  }
}
