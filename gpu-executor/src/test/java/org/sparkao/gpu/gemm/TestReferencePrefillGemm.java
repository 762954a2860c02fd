package org.sparkao.gpu.gemm;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** The reference, with a value computed by hand. */
class TestReferencePrefillGemm extends AbstractTestPrefillGemm {
  @Override
  GemmDevice open() {
    return GemmDevice.cpu();
  }

  @Override
  PrefillGemm prefill(GemmDevice on) {
    return new ReferencePrefillGemm();
  }

  @Override
  int[] rows() {
    return new int[] {1, 3, 9};
  }

  @Test
  void roundsInt4WeightsToTheTypeOfX() {
    // 7 * (1 + 2^-7) = 7.0546875; in bf16 neighbours of 7 are 2^-5 apart: 7.0625.
    Gemm gemm =
        Gemm.of(
            "w",
            16,
            32,
            new Int4Operands(ElementType.BF16, Int4Operands.ROW, Int4Operands.ZeroPoints.NONE),
            ElementType.FP32);
    int[] codes = new int[64];
    codes[0] = 0xF;
    float[] scales = new float[16];
    scales[0] = 1.0078125f;
    float[] x = new float[32];
    x[0] = 1;
    GemmWeights weights =
        prefill.prepare(
            gemm,
            WeightMatrix.of(
                device.bytes(GemmData.bytes(codes)),
                device.bytes(GemmData.encode(ElementType.BF16, scales).bytes())));
    GemmDevice.Guarded y = device.guarded(64);
    GemmDevice.Guarded workspace = device.guarded(prefill.workspaceBytes(gemm, 1));
    prefill.multiply(
        weights,
        GemmCall.of(1, device.bytes(GemmData.encode(ElementType.BF16, x).bytes()), y.buffer()),
        workspace.buffer());
    assertThat(GemmData.decode(ElementType.FP32, y.read())).startsWith(7.0625);
  }
}
