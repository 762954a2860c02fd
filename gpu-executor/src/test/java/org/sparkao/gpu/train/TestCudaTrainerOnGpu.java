package org.sparkao.gpu.train;

import org.junit.jupiter.api.Tag;
import org.sparkao.gpu.model.Arithmetic;
import org.sparkao.gpu.optimizer.AdamW;
import org.sparkao.gpu.optimizer.CudaAdamW;
import org.sparkao.gpu.train.cuda.CudaTrainingOperators;

/** On the GPU of this machine, in fp32. */
@Tag("gpu")
class TestCudaTrainerOnGpu extends AbstractTestTrainer {
  @Override
  TrainingOperators open() {
    return OpenCudaOperators.open(Arithmetic.FP32);
  }

  @Override
  AdamW adamW(TrainingOperators of) {
    return new CudaAdamW(((CudaTrainingOperators) of).library());
  }

  @Override
  int step() {
    return 8;
  }
}
