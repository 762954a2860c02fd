package org.sparkao.gpu.gemm;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class TestPortableFamily {
  private static final Operands FP8 = DenseOperands.fp8(Scaling.ROW, Scaling.ROW);
  private static final Operands INT4 =
      new Int4Operands(ElementType.BF16, 128, Int4Operands.ZeroPoints.NONE);

  @Test
  void followsRows() {
    assertThat(PortableFamily.decode(1)).isEqualTo(PortableFamily.DECODE16);
    assertThat(PortableFamily.decode(16)).isEqualTo(PortableFamily.DECODE16);
    assertThat(PortableFamily.decode(17)).isEqualTo(PortableFamily.DECODE64);
    assertThat(PortableFamily.decode(128)).isEqualTo(PortableFamily.DECODE64);
  }

  @Test
  void hasHalfTheThreadsWhereXIsConverted() {
    assertThat(PortableFamily.DECODE16.threads(FP8)).isEqualTo(128);
    assertThat(PortableFamily.DECODE64.threads(FP8)).isEqualTo(128);
    assertThat(PortableFamily.PREFILL.threads(FP8)).isEqualTo(256);
    assertThat(PortableFamily.DECODE16.threads(INT4)).isEqualTo(256);
    assertThat(PortableFamily.DECODE64.threads(INT4)).isEqualTo(128);
    assertThat(PortableFamily.DECODE64.threads(DenseOperands.bf16())).isEqualTo(256);
  }

  @Test
  void namesKernels() {
    Gemm blocks =
        Gemm.of("w", 16, 16, DenseOperands.fp8(Scaling.BLOCK, Scaling.BLOCK), ElementType.BF16);
    Gemm int4 = Gemm.of("w", 16, 128, INT4, ElementType.BF16);
    assertThat(CudaPortableGemm.function(blocks, PortableFamily.PREFILL))
        .isEqualTo("gemm_portable_e4m3_block_prefill");
    assertThat(CudaPortableGemm.function(int4, PortableFamily.DECODE16))
        .isEqualTo("gemm_portable_int4_bf16_decode16");
  }
}
