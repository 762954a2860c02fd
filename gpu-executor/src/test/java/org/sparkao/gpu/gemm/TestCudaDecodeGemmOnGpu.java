package org.sparkao.gpu.gemm;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.sparkao.gpu.device.CudaDevice;
import org.sparkao.gpu.device.CudaGraph;

/** The kernels, on the GPU of this machine. */
@Tag("gpu")
class TestCudaDecodeGemmOnGpu extends AbstractTestDecodeGemm {
  @Override
  GemmDevice open() {
    return GemmDevice.gpu();
  }

  @Override
  DecodeGemm decode(GemmDevice on) {
    return new CudaDecodeGemm(on.library());
  }

  @Override
  int[] rows() {
    return new int[] {1, 2, 3, 7, 8, 9, 16, 17, 33, 64, 65, 127, 128};
  }

  static Stream<Gemm> captured() {
    return Stream.of(
        Gemm.of("o", 4096, 4096, DenseOperands.fp8(Scaling.ROW, Scaling.ROW), ElementType.BF16),
        Gemm.of("o", 4096, 4096, DenseOperands.fp8(Scaling.BLOCK, Scaling.BLOCK), ElementType.FP32),
        Gemm.of("o", 1040, 8192, DenseOperands.int8(Scaling.ROW, Scaling.ROW), ElementType.FP32),
        Gemm.of("o", 4096, 2048, DenseOperands.bf16(), ElementType.FP16),
        Gemm.of(
            "i4",
            1040,
            4096,
            new Int4Operands(ElementType.BF16, 128, Int4Operands.ZeroPoints.NONE),
            ElementType.BF16));
  }

  /**
   * Of shapes whose K is split over a cluster. A chain of dependent launches, each writing what the
   * one before wrote.
   */
  @ParameterizedTest
  @MethodSource("captured")
  void canBeCaptured(Gemm gemm) {
    GemmData data = new GemmData(gemm, 16, 1);
    CudaDevice cuda = (CudaDevice) device.device();
    try (GemmOnDevice operands = new GemmOnDevice(device, gemm, data);
        GemmWeights weights = prepare(decode, operands, gemm);
        GemmDevice.Guarded y = device.guarded(gemm.bytesOfY(16));
        GemmDevice.Guarded again = device.guarded(gemm.bytesOfY(16))) {
      decode.multiply(weights, operands.call(16, 0, y.buffer()));
      GemmCall call = operands.call(16, 0, again.buffer());
      try (CudaGraph graph =
          cuda.capture(
              () -> {
                for (int i = 0; i < 5; i++) {
                  decode.multiply(weights, call);
                }
              })) {
        graph.replay();
        graph.replay();
        assertThat(again.read()).isEqualTo(y.read());
        GemmTolerance.assertWithin(
            GemmTolerance.decode(gemm),
            GemmData.decode(gemm.output(), again.read()),
            data.product(false));
      }
    }
  }

  @Test
  void int4WeightsServeBothFamilies() {
    Gemm gemm =
        Gemm.of(
            "w",
            272,
            576,
            new Int4Operands(ElementType.BF16, 64, Int4Operands.ZeroPoints.GIVEN),
            ElementType.FP32);
    GemmData data = new GemmData(gemm, 40, 3);
    PrefillGemm prefill = new CudaPrefillGemm(device.library());
    try (GemmOnDevice operands = new GemmOnDevice(device, gemm, data);
        GemmWeights weights = prepare(decode, operands, gemm);
        GemmDevice.Guarded y = device.guarded(gemm.bytesOfY(40));
        GemmDevice.Guarded workspace = device.guarded(prefill.workspaceBytes(gemm, 40))) {
      prefill.multiply(weights, operands.call(40, 0, y.buffer()), workspace.buffer());
      GemmTolerance.assertWithin(
          GemmTolerance.prefill(gemm),
          GemmData.decode(gemm.output(), y.read()),
          data.product(true));
    }
  }
}
