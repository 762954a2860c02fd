package org.sparkao.gpu.model;

import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.sparkao.gpu.device.CudaDevice;
import org.sparkao.gpu.device.MemoryBudget;
import org.sparkao.gpu.model.cuda.CudaModelOperators;
import org.sparkao.gpu.model.cuda.CudaModelOptions;
import org.sparkao.gpu.module.KernelLibrary;

/** The kernels, on the GPU of this machine. */
@Tag("gpu")
class TestCudaInputNumbersOnGpu extends AbstractTestInputNumbers {
  @Override
  ModelOperators open(Arithmetic arithmetic) {
    KernelLibrary library = KernelLibrary.of(CudaDevice.open(0, MemoryBudget.of(1L << 30)));
    return CudaModelOperators.of(library, CudaModelOptions.of(arithmetic));
  }

  /**
   * The plain operators multiply these codes as integers and the result by both scales; here both
   * numbers are rounded to fp32 before the product, which makes three roundings of 2^-24 for two.
   */
  @Test
  void rowsOfW8A8InFp32() {
    double relative = 0x1p-22;
    compare(List.of(OperatorCase.quantized("W8A8", diagonal())), Arithmetic.FP32, relative);
  }
}
