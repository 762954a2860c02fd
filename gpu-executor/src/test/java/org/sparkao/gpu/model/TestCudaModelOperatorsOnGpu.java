package org.sparkao.gpu.model;

import org.junit.jupiter.api.Tag;
import org.sparkao.gpu.device.CudaDevice;
import org.sparkao.gpu.device.MemoryBudget;
import org.sparkao.gpu.model.cuda.CudaModelOperators;
import org.sparkao.gpu.model.cuda.CudaModelOptions;
import org.sparkao.gpu.module.KernelLibrary;

/** The kernels, on the GPU of this machine, in bf16. */
@Tag("gpu")
class TestCudaModelOperatorsOnGpu extends AbstractTestModelOperators {
  @Override
  ModelOperators open() {
    KernelLibrary library = KernelLibrary.of(CudaDevice.open(0, MemoryBudget.of(4L << 30)));
    return CudaModelOperators.of(library, CudaModelOptions.of(Arithmetic.BF16));
  }

  /** Two roundings to bf16 may fall apart, and a code of a row by one step. */
  @Override
  double tolerance() {
    return 0.06;
  }

  @Override
  int step() {
    return 16;
  }
}
