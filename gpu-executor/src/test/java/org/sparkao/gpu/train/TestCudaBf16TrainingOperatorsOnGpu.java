package org.sparkao.gpu.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.sparkao.gpu.model.Arithmetic;
import org.sparkao.gpu.tensor.Tensor;

/** On the GPU of this machine, in bf16. */
@Tag("gpu")
class TestCudaBf16TrainingOperatorsOnGpu extends AbstractTestTrainingOperators {
  @Override
  TrainingOperators open() {
    return OpenCudaOperators.open(Arithmetic.BF16);
  }

  /** Operands are rounded to 8 bits, and results once more: some 2^-8 of the largest number. */
  @Override
  double tolerance() {
    return 0.015;
  }

  @Override
  int step() {
    return 8;
  }

  /** A part of the tokens gives the bits that all give, and a call those of the call before. */
  @Test
  void bitsDependOnNothingElse() {
    Tensor x = put(700, numbers(700 * 136));
    Tensor w = put(200, numbers(200 * 136));
    Tensor y = operators().allocateStates(700, 200);
    Tensor some = operators().allocateStates(300, 200);
    operators().product(x, w, Optional.empty(), y);
    operators().product(x.slice(150, 450), w, Optional.empty(), some);
    assertThat(some.toFloats()).isEqualTo(y.slice(150, 450).toFloats());
    Tensor once = put(200, new double[200 * 136]);
    Tensor again = put(200, new double[200 * 136]);
    operators().weightGradient(y, x, once);
    operators().weightGradient(y, x, again);
    assertThat(again.toFloats()).isEqualTo(once.toFloats());
  }
}
