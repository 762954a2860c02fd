package org.sparkao.gpu.train;

import org.junit.jupiter.api.Tag;
import org.sparkao.gpu.model.Arithmetic;

/** On the GPU of this machine, in fp32. */
@Tag("gpu")
class TestCudaTrainingOperatorsOnGpu extends AbstractTestTrainingOperators {
  @Override
  TrainingOperators open() {
    return OpenCudaOperators.open(Arithmetic.FP32);
  }

  @Override
  double tolerance() {
    return 5e-6;
  }

  @Override
  int step() {
    return 8;
  }
}
