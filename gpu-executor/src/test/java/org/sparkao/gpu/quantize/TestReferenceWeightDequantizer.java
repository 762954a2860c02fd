package org.sparkao.gpu.quantize;

import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.device.Device;

class TestReferenceWeightDequantizer extends AbstractTestWeightDequantizer {
  @Override
  Device open() {
    return CpuDevice.open();
  }

  @Override
  WeightDequantizer dequantizer(Device device) {
    return new ReferenceWeightDequantizer();
  }
}
