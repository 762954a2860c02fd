package org.sparkao.gpu.quantize;

import org.junit.jupiter.api.Tag;
import org.sparkao.gpu.device.CudaDevice;
import org.sparkao.gpu.device.Device;
import org.sparkao.gpu.device.MemoryBudget;
import org.sparkao.gpu.module.KernelLibrary;

@Tag("gpu")
class TestCudaWeightDequantizerOnGpu extends AbstractTestWeightDequantizer {
  private KernelLibrary kernels;

  @Override
  Device open() {
    return CudaDevice.open(0, MemoryBudget.of(1L << 30));
  }

  @Override
  WeightDequantizer dequantizer(Device device) {
    kernels = KernelLibrary.of((CudaDevice) device);
    return new CudaWeightDequantizer(kernels);
  }

  @Override
  void closed() {
    kernels.close();
  }
}
