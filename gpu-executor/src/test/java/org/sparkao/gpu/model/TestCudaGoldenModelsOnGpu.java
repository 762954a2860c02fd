package org.sparkao.gpu.model;

import java.io.IOException;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.sparkao.gpu.device.CudaDevice;
import org.sparkao.gpu.device.MemoryBudget;
import org.sparkao.gpu.model.cuda.CudaModelOperators;
import org.sparkao.gpu.model.cuda.CudaModelOptions;
import org.sparkao.gpu.module.KernelLibrary;

/** The kernels, on the GPU of this machine, in fp32. */
@Tag("gpu")
class TestCudaGoldenModelsOnGpu extends AbstractTestGoldenModels {
  @Override
  ModelOperators open() {
    KernelLibrary library = KernelLibrary.of(CudaDevice.open(0, MemoryBudget.of(4L << 30)));
    return CudaModelOperators.of(library, CudaModelOptions.of(Arithmetic.FP32));
  }

  @Test
  void smolLm2() throws IOException, InterruptedException {
    assertSmolLm2();
  }
}
