package org.sparkao.gpu.train;

import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.optimizer.AdamW;
import org.sparkao.gpu.optimizer.HostAdamW;
import org.sparkao.gpu.train.cpu.CpuTrainingOperators;

class TestCpuTrainer extends AbstractTestTrainer {
  @Override
  TrainingOperators open() {
    return new CpuTrainingOperators(CpuDevice.open(), 2);
  }

  @Override
  AdamW adamW(TrainingOperators of) {
    return new HostAdamW(((CpuTrainingOperators) of).workers());
  }

  @Override
  int step() {
    return 6;
  }
}
