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
   * The plain operators multiply these codes as integers and the result by both scales; here the
   * number of each is rounded to fp32 before the product, which makes three roundings of 2^-24 for
   * two. Its code is 127 under a scale of 2^-4, which bf16, the type of dequantized weights, does
   * not round.
   */
  @Test
  void rowsOfW8A8InFp32() {
    LinearWeight weight = OperatorCase.quantized("W8A8", diagonal(127.5f / 16));
    compare(List.of(weight), Arithmetic.FP32, 0x1p-22);
  }
}
