package org.sparkao.gpu.layer;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.layer.RmsNorm.NormWeight;

/** The reference, with values computed by hand. */
class TestReferenceRmsNorm extends AbstractTestRmsNorm {
  @Override
  CaseDevice open() {
    return CaseDevice.cpu();
  }

  @Override
  RmsNorm operator() {
    return new ReferenceRmsNorm();
  }

  @Test
  void roundsBeforeTheWeight() {
    // sqrt(25 / 8) = 1.76777; 3 / 1.76777 = 1.69706 -> 217 / 128; 4 / 1.76777 = 2.26274 -> 145 /
    // 64.
    Buffer weight = tested.bf16(2, 0.5f, 1, 1, 1, 1, 1, 1);
    Buffer y = tested.emptyBf16(8);
    operator().norm(tested.bf16(3, 4, 0, 0, 0, 0, 0, 0), new NormWeight(weight, 8, 0), y, 1);
    assertThat(tested.readBf16(y)).containsExactly(3.390625f, 1.1328125f, 0, 0, 0, 0, 0, 0);
  }

  @Test
  void roundsTheSum() {
    // 1 + 2^-8 lies half-way between 1 and its successor: to even.
    Buffer residual = tested.bf16(0.00390625f, 0, 0, 0, 0, 0, 0, 0);
    Buffer weight = tested.bf16(1, 1, 1, 1, 1, 1, 1, 1);
    Buffer y = tested.emptyBf16(8);
    operator()
        .addAndNorm(
            tested.bf16(1, 1, 1, 1, 1, 1, 1, 1), residual, new NormWeight(weight, 8, 0), y, 1);
    assertThat(tested.readBf16(residual)).containsOnly(1);
    assertThat(tested.readBf16(y)).containsOnly(1);
  }
}
