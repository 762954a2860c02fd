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
class TestCudaSparseGemmOnGpu extends AbstractTestSparseGemm {
  @Override
  GemmDevice open() {
    return GemmDevice.gpu();
  }

  @Override
  PrefillGemm sparse(GemmDevice on) {
    return CudaGemms.sparse(on.library());
  }

  @Override
  int[] rows() {
    return new int[] {1, 2, 7, 65, 127, 128, 129, 192, 193, 257, 501};
  }

  @ParameterizedTest
  @MethodSource("products")
  void packsAsTheLayoutSays(Gemm gemm) {
    GemmData data = data(gemm, 1);
    try (GemmOnDevice operands = new GemmOnDevice(device, gemm, data);
        GemmWeights weights = prepare(operands, gemm)) {
      assertThat(device.read(((TiledWeights) weights).tiles()))
          .isEqualTo(SparsePacking.pack(gemm, data.matrices.get(0).codes().bytes()));
    }
  }

  @Test
  void canBeCaptured() {
    Gemm gemm =
        Gemm.of("w", 208, 272, DenseOperands.fp8(Scaling.ROW, Scaling.ROW), ElementType.BF16);
    GemmData data = data(gemm, 130);
    CudaDevice cuda = (CudaDevice) device.device();
    try (GemmOnDevice operands = new GemmOnDevice(device, gemm, data);
        GemmWeights weights = prepare(operands, gemm);
        GemmDevice.Guarded y = device.guarded(gemm.bytesOfY(130));
        GemmDevice.Guarded again = device.guarded(gemm.bytesOfY(130));
        GemmDevice.Guarded workspace = device.guarded(sparse.workspaceBytes(gemm, 130))) {
      sparse.multiply(weights, operands.call(130, 0, y.buffer()), workspace.buffer());
      GemmCall call = operands.call(130, 0, again.buffer());
      try (CudaGraph graph =
          cuda.capture(() -> sparse.multiply(weights, call, workspace.buffer()))) {
        graph.replay();
        graph.replay();
        assertThat(again.read()).isEqualTo(y.read());
      }
    }
  }
}
