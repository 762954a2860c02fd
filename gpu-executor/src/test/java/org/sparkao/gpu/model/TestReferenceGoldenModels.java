package org.sparkao.gpu.model;

import org.sparkao.gpu.device.CpuDevice;

class TestReferenceGoldenModels extends AbstractTestGoldenModels {
  @Override
  ModelOperators open() {
    return new ReferenceModelOperators(CpuDevice.open(), Arithmetic.FP32);
  }
}
