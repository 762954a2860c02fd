package org.sparkao.gpu.quantize;

import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.device.Device;

class TestReferenceActivationQuantizer extends AbstractTestActivationQuantizer {
  @Override
  Device open() {
    return CpuDevice.open();
  }

  @Override
  ActivationQuantizer quantizer(Device device) {
    return new ReferenceActivationQuantizer();
  }
}
