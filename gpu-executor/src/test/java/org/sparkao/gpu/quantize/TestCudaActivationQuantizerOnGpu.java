package org.sparkao.gpu.quantize;

import org.junit.jupiter.api.Tag;
import org.sparkao.gpu.device.CudaDevice;
import org.sparkao.gpu.device.Device;
import org.sparkao.gpu.device.MemoryBudget;
import org.sparkao.gpu.module.KernelLibrary;

@Tag("gpu")
class TestCudaActivationQuantizerOnGpu extends AbstractTestActivationQuantizer {
  private KernelLibrary kernels;

  @Override
  Device open() {
    return CudaDevice.open(0, MemoryBudget.of(1L << 30));
  }

  @Override
  ActivationQuantizer quantizer(Device device) {
    kernels = KernelLibrary.of((CudaDevice) device);
    return new CudaActivationQuantizer(kernels);
  }

  @Override
  void closed() {
    kernels.close();
  }
}
