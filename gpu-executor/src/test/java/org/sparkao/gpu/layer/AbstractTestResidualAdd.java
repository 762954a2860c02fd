package org.sparkao.gpu.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkao.gpu.device.Buffer;

/** Sums, bit for bit as the reference. */
abstract class AbstractTestResidualAdd extends AbstractLayerTest {
  abstract ResidualAdd operator();

  @ParameterizedTest
  @ValueSource(ints = {8, 2048, 4096, 4104, 69632})
  void adds(int elements) {
    float[] a = CaseDevice.normal(elements, 1);
    float[] b = CaseDevice.normal(elements, 2);
    assertThat(add(tested, operator(), a, b))
        .isEqualTo(add(reference, new ReferenceResidualAdd(), a, b));
  }

  @Test
  void refusesOtherLengths() {
    Buffer x = tested.emptyBf16(16);
    assertThatThrownBy(() -> operator().add(x, x, x, 12))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("12 elements");
    assertThatThrownBy(() -> operator().add(x, x, x, 24))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("do not fit into 32 bytes");
  }

  static float[] add(CaseDevice on, ResidualAdd operator, float[] a, float[] b) {
    Buffer sum = on.bf16(a);
    operator.add(sum, on.bf16(b), sum, a.length);
    return on.readBf16(sum);
  }
}
