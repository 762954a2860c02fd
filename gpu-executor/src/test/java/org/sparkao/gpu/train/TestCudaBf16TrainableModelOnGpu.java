package org.sparkao.gpu.train;

import org.junit.jupiter.api.Tag;
import org.sparkao.gpu.model.Arithmetic;

/** On the GPU of this machine, in bf16. */
@Tag("gpu")
class TestCudaBf16TrainableModelOnGpu extends AbstractTestTrainableModel {
  @Override
  TrainingOperators open() {
    return OpenCudaOperators.open(Arithmetic.BF16);
  }

  /**
   * The processor's operators, with every hidden state rounded to bf16 behind them, are off by
   * 0.083 here; this device rounds weights, too.
   */
  @Override
  double tolerance() {
    return 0.15;
  }

  @Override
  int step() {
    return 8;
  }

  @Override
  Arithmetic between() {
    return Arithmetic.BF16;
  }
}
