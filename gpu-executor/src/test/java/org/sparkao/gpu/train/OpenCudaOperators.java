package org.sparkao.gpu.train;

import org.sparkao.gpu.device.CudaDevice;
import org.sparkao.gpu.device.MemoryBudget;
import org.sparkao.gpu.model.Arithmetic;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.gpu.train.cuda.CudaTrainingOperators;

/** Operators on the GPU of this machine, for tests that close operators and device. */
final class OpenCudaOperators {
  private static final long BYTES = 8L << 30;

  private OpenCudaOperators() {}

  static CudaTrainingOperators open(Arithmetic arithmetic) {
    CudaDevice device = CudaDevice.open(0, MemoryBudget.of(BYTES));
    return new CudaTrainingOperators(KernelLibrary.of(device), arithmetic);
  }
}
