package org.sparkao.gpu.model;

import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.model.cpu.CpuModelOperators;

class TestCpuGoldenModels extends AbstractTestGoldenModels {
  @Override
  ModelOperators open() {
    return new CpuModelOperators(CpuDevice.open(), 2);
  }
}
