package org.sparkao.gpu.model;

import org.sparkao.gpu.device.CpuDevice;

class TestReferenceTinyModels extends AbstractTestTinyModels {
  @Override
  ModelOperators open() {
    return new ReferenceModelOperators(CpuDevice.open(), Arithmetic.FP32);
  }
}
