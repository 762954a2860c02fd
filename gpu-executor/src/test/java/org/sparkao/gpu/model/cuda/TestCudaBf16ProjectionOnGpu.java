package org.sparkao.gpu.model.cuda;

import org.junit.jupiter.api.Tag;
import org.sparkao.gpu.device.CudaDevice;
import org.sparkao.gpu.device.MemoryBudget;
import org.sparkao.gpu.model.Arithmetic;
import org.sparkao.gpu.model.ModelOperators;
import org.sparkao.gpu.module.KernelLibrary;

/** The kernels, on the GPU of this machine. */
@Tag("gpu")
class TestCudaBf16ProjectionOnGpu extends AbstractTestProjection {
  private CudaDevice device;
  private KernelLibrary library;

  @Override
  ModelOperators open() {
    device = CudaDevice.open(0, MemoryBudget.of(4L << 30));
    library = KernelLibrary.of(device);
    return CudaModelOperators.of(library, CudaModelOptions.of(Arithmetic.BF16));
  }

  @Override
  void closed() {
    library.close();
    device.close();
  }

  /** e4m3 keeps 4 significant bits of a row, int8 about 7, bf16 8; a gate doubles it. */
  @Override
  double tolerance(String scheme) {
    boolean fp8 = scheme.startsWith("FP8") || scheme.startsWith("W4AFP8");
    boolean int8 =
        scheme.startsWith("W8A8") || scheme.startsWith("W4A8") || scheme.startsWith("8DA4W");
    return fp8 ? 0.06 : int8 ? 0.03 : 0.01;
  }
}
