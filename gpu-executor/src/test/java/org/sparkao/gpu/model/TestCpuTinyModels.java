package org.sparkao.gpu.model;

import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.model.cpu.CpuModelOperators;

class TestCpuTinyModels extends AbstractTestTinyModels {
  @Override
  ModelOperators open() {
    return new CpuModelOperators(CpuDevice.open(), 2);
  }
}
