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

  /** Hidden states are rounded some twenty times on the way through two blocks and back. */
  @Override
  double tolerance() {
    return 0.06;
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
