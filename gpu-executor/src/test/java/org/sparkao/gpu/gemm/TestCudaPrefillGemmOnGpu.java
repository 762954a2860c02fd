package org.sparkao.gpu.gemm;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.sparkao.gpu.device.CudaDevice;
import org.sparkao.gpu.device.CudaGraph;

/** The kernels, on the GPU of this machine. */
@Tag("gpu")
class TestCudaPrefillGemmOnGpu extends AbstractTestPrefillGemm {
  @Override
  GemmDevice open() {
    return GemmDevice.gpu();
  }

  @Override
  PrefillGemm prefill(GemmDevice on) {
    return new CudaPrefillGemm(on.library());
  }

  @Override
  int[] rows() {
    return new int[] {1, 2, 7, 16, 65, 127, 128, 129, 256, 257, 300};
  }

  @ParameterizedTest
  @MethodSource("org.sparkao.gpu.gemm.GemmCases#prefill")
  void readsWhatDecodeHasPrepared(Gemm gemm) {
    GemmData data = new GemmData(gemm, 300, gemm.name().hashCode());
    DecodeGemm decode = new CudaDecodeGemm(device.library());
    try (GemmOnDevice operands = new GemmOnDevice(device, gemm, data);
        GemmWeights own = prepare(operands, gemm);
        GemmWeights shared =
            gemm.matrices() == 2
                ? decode.prepareGated(gemm, operands.matrix(0), operands.matrix(1))
                : decode.prepare(gemm, operands.matrix(0))) {
      assertThat(multiply(operands, shared, 300, 0)).isEqualTo(multiply(operands, own, 300, 0));
    }
  }

  @Test
  void canBeCaptured() {
    Gemm gemm =
        Gemm.of("w", 208, 272, DenseOperands.fp8(Scaling.ROW, Scaling.ROW), ElementType.BF16);
    GemmData data = new GemmData(gemm, 130, 1);
    CudaDevice cuda = (CudaDevice) device.device();
    try (GemmOnDevice operands = new GemmOnDevice(device, gemm, data);
        GemmWeights weights = prefill.prepare(gemm, operands.matrix(0));
        GemmDevice.Guarded y = device.guarded(gemm.bytesOfY(130));
        GemmDevice.Guarded again = device.guarded(gemm.bytesOfY(130));
        GemmDevice.Guarded workspace = device.guarded(prefill.workspaceBytes(gemm, 130))) {
      prefill.multiply(weights, operands.call(130, 0, y.buffer()), workspace.buffer());
      GemmCall call = operands.call(130, 0, again.buffer());
      try (CudaGraph graph =
          cuda.capture(() -> prefill.multiply(weights, call, workspace.buffer()))) {
        graph.replay();
        graph.replay();
        assertThat(again.read()).isEqualTo(y.read());
      }
    }
  }
}
