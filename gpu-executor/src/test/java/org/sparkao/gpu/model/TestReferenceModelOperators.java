package org.sparkao.gpu.model;

import org.sparkao.gpu.device.CpuDevice;

class TestReferenceModelOperators extends AbstractTestModelOperators {
  @Override
  ModelOperators open() {
    return new ReferenceModelOperators(CpuDevice.open(), Arithmetic.FP32);
  }

  @Override
  double tolerance() {
    return 1e-6;
  }

  @Override
  int step() {
    return 3 * 2;
  }
}
