package org.sparkao.gpu.gemm;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** The reference, with values computed by hand. */
class TestReferenceDecodeGemm extends AbstractTestDecodeGemm {
  @Override
  GemmDevice open() {
    return GemmDevice.cpu();
  }

  @Override
  DecodeGemm decode(GemmDevice on) {
    return new ReferenceDecodeGemm();
  }

  @Override
  int[] rows() {
    return new int[] {1, 3, 9};
  }

  @Test
  void scalesAddsGatesAndAdds() {
    // Row 0 of gate: 0.5 * 2 * 3 (x = 2, w = 3) - 1 = 2; of up: 0.5 * 2 * 4 * 0.25 + 5 = 6.
    // silu(2) * 6 + 1 = 2 / (1 + e^-2) * 6 + 1 = 11.5695649...
    Gemm gemm =
        Gemm.of("mlp", 16, 16, DenseOperands.int8(Scaling.TENSOR, Scaling.TENSOR), ElementType.FP32)
            .with(Gemm.Step.BIAS)
            .with(Gemm.Step.SILU_GATE)
            .with(Gemm.Step.RESIDUAL);
    byte[] gate = new byte[128];
    byte[] up = new byte[128];
    byte[] x = new byte[16];
    x[15] = 2;
    gate[15] = 3;
    up[15] = 4;
    float[] gateBias = {-1, 0, 0, 0, 0, 0, 0, 0};
    float[] upBias = {5, 7, 0, 0, 0, 0, 0, 0};
    GemmWeights weights =
        decode.prepareGated(
            gemm,
            WeightMatrix.of(device.bytes(gate), device.floats(1)).withBias(device.floats(gateBias)),
            WeightMatrix.of(device.bytes(up), device.floats(0.25f))
                .withBias(device.floats(upBias)));
    GemmDevice.Guarded y = device.guarded(32);
    decode.multiply(
        weights,
        GemmCall.of(1, device.bytes(x), device.floats(0.5f), y.buffer())
            .plus(device.floats(1, 2, 3, 4, 5, 6, 7, 8)));
    assertThat(GemmData.decode(ElementType.FP32, y.read()))
        .containsExactly(11.569564819335938, 2, 3, 4, 5, 6, 7, 8);
  }

  @Test
  void unpacksInt4() {
    // Row 0: codes 8 + {-8, 7, 1, 0, ...}, zero point 8 + 1, scale 2: -18, 12, 0, -2, ...
    Gemm gemm =
        Gemm.of(
            "w",
            16,
            32,
            new Int4Operands(ElementType.BF16, 32, Int4Operands.ZeroPoints.GIVEN),
            ElementType.FP32);
    int[] codes = new int[16 * 4];
    codes[0] = 0x888889F0;
    codes[1] = codes[2] = codes[3] = 0x88888888;
    int[] zeros = {0x88888889, 0x88888888};
    float[] scales = new float[16];
    scales[0] = 2;
    GemmWeights weights =
        decode.prepare(
            gemm,
            WeightMatrix.of(
                    device.bytes(GemmData.bytes(codes)),
                    device.bytes(GemmData.encode(ElementType.BF16, scales).bytes()))
                .withZeroPoints(device.bytes(GemmData.bytes(zeros))));
    float[] x = new float[3 * 32];
    x[0] = 1;
    x[32 + 1] = 1;
    x[64 + 2] = 1;
    x[64 + 3] = 1;
    GemmDevice.Guarded y = device.guarded(3 * 16 * 4);
    decode.multiply(
        weights,
        GemmCall.of(3, device.bytes(GemmData.encode(ElementType.BF16, x).bytes()), y.buffer()));
    double[] values = GemmData.decode(ElementType.FP32, y.read());
    assertThat(new double[] {values[0], values[16], values[32]}).containsExactly(-18, 12, -2);
  }

  @Test
  void roundsToEven() {
    // 1 + 2^-8 and 1 + 3 * 2^-8 lie half-way between neighbours in bf16.
    Gemm gemm = Gemm.of("w", 16, 16, DenseOperands.bf16(), ElementType.BF16);
    float[] w = new float[256];
    w[0] = 1;
    w[1] = 0x1p-8f;
    w[16] = 1;
    w[17] = 3 * 0x1p-8f;
    float[] x = new float[16];
    x[0] = 1;
    x[1] = 1;
    GemmWeights weights =
        decode.prepare(
            gemm, WeightMatrix.of(device.bytes(GemmData.encode(ElementType.BF16, w).bytes())));
    GemmDevice.Guarded y = device.guarded(32);
    decode.multiply(
        weights,
        GemmCall.of(1, device.bytes(GemmData.encode(ElementType.BF16, x).bytes()), y.buffer()));
    assertThat(GemmData.decode(ElementType.BF16, y.read())).startsWith(1, 1.015625);
  }
}
