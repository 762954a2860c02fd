package org.sparkao.gpu.model;

import java.util.List;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.model.cpu.CpuModelOperators;

/** The vector operators. */
class TestCpuInputNumbers extends AbstractTestInputNumbers {
  @Override
  ModelOperators open(Arithmetic arithmetic) {
    return new CpuModelOperators(CpuDevice.open(), 2);
  }

  @Override
  List<Arithmetic> arithmetics() {
    return List.of(Arithmetic.FP32);
  }
}
