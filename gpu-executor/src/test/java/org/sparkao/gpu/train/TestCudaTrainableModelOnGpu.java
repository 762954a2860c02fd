package org.sparkao.gpu.train;

import org.junit.jupiter.api.Tag;
import org.sparkao.gpu.model.Arithmetic;

/** On the GPU of this machine, in fp32. */
@Tag("gpu")
class TestCudaTrainableModelOnGpu extends AbstractTestTrainableModel {
  @Override
  TrainingOperators open() {
    return OpenCudaOperators.open(Arithmetic.FP32);
  }

  @Override
  double tolerance() {
    return 2e-5;
  }

  @Override
  int step() {
    return 8;
  }
}
