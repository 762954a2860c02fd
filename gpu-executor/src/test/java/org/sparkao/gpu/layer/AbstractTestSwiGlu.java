package org.sparkao.gpu.layer;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparkao.gpu.device.Buffer;

/** SwiGLU in both orders, against the reference. */
abstract class AbstractTestSwiGlu extends AbstractLayerTest {
  abstract SwiGlu operator();

  @ParameterizedTest
  @EnumSource
  void multiplies(SwiGlu.Order order) {
    for (int rows : ROWS) {
      for (int columns : new int[] {8, 1536, 2056, 14336}) {
        float[] x = CaseDevice.normal(2L * rows * columns, columns);
        LayerTolerance.assertWithin(
            LayerTolerance.ROUNDED,
            apply(tested, operator(), order, x, columns),
            apply(reference, new ReferenceSwiGlu(), order, x, columns));
      }
    }
  }

  static float[] apply(CaseDevice on, SwiGlu operator, SwiGlu.Order order, float[] x, int columns) {
    Buffer y = on.emptyBf16(x.length / 2);
    operator.apply(on.bf16(x), order, y, x.length / 2 / columns, columns);
    return on.readBf16(y);
  }
}
