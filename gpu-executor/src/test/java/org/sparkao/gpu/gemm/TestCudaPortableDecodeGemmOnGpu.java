package org.sparkao.gpu.gemm;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The kernels of every architecture, on the GPU of this machine. */
@Tag("gpu")
class TestCudaPortableDecodeGemmOnGpu extends AbstractTestDecodeGemm {
  @Override
  GemmDevice open() {
    return GemmDevice.gpu();
  }

  @Override
  DecodeGemm decode(GemmDevice on) {
    return new CudaPortableDecodeGemm(on.library());
  }

  @Override
  int[] rows() {
    return new int[] {1, 2, 3, 7, 8, 9, 16, 17, 33, 64, 65, 127, 128};
  }

  @Test
  void isChosenWhereTheDeviceIsNoHopper() {
    Class<?> chosen = CudaGemms.decode(device.library()).getClass();
    assertThat(chosen)
        .isEqualTo(device.library().hopper() ? CudaDecodeGemm.class : CudaPortableDecodeGemm.class);
  }
}
