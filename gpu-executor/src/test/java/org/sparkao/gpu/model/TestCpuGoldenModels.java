package org.sparkao.gpu.model;

import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.model.cpu.CpuModelOperators;

class TestCpuGoldenModels extends AbstractTestGoldenModels {
  @Override
  ModelOperators open() {
    return new CpuModelOperators(CpuDevice.open(), 2);
  }

  @Test
  void smolLm2() throws IOException, InterruptedException {
    assertSmolLm2();
  }
}
