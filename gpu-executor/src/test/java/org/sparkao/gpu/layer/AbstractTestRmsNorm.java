package org.sparkao.gpu.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.layer.RmsNorm.NormWeight;

/** Norms of rows, against the reference. */
abstract class AbstractTestRmsNorm extends AbstractLayerTest {
  private static final float EPSILON = 1e-5f;

  abstract RmsNorm operator();

  @ParameterizedTest
  @ValueSource(ints = {8, 64, 576, 1000, 4096, 8192, 16384})
  void norms(int columns) {
    for (int rows : ROWS) {
      float[] x = CaseDevice.normal((long) rows * columns, rows);
      float[] y = norm(tested, operator(), x, columns);
      LayerTolerance.assertWithin(
          LayerTolerance.ROUNDED, y, norm(reference, new ReferenceRmsNorm(), x, columns));
      float[] last = Arrays.copyOfRange(x, x.length - columns, x.length);
      assertThat(norm(tested, operator(), last, columns))
          .isEqualTo(Arrays.copyOfRange(y, y.length - columns, y.length));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {8, 576, 4096})
  void addsAndNorms(int columns) {
    for (int rows : ROWS) {
      float[] x = CaseDevice.normal((long) rows * columns, rows);
      float[] residual = CaseDevice.normal((long) rows * columns, rows + 1L);
      float[][] actual = addAndNorm(tested, operator(), x, residual, columns);
      float[][] expected = addAndNorm(reference, new ReferenceRmsNorm(), x, residual, columns);
      assertThat(actual[0]).isEqualTo(expected[0]);
      LayerTolerance.assertWithin(LayerTolerance.ROUNDED, actual[1], expected[1]);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {12, 16392})
  void refusesOtherLengths(int columns) {
    Buffer values = tested.emptyBf16(columns);
    assertThatThrownBy(() -> new NormWeight(values, columns, EPSILON))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("row length " + columns);
  }

  static float[] norm(CaseDevice on, RmsNorm operator, float[] x, int columns) {
    Buffer y = on.emptyBf16(x.length);
    operator.norm(on.bf16(x), weight(on, columns), y, x.length / columns);
    return on.readBf16(y);
  }

  private static float[][] addAndNorm(
      CaseDevice on, RmsNorm operator, float[] x, float[] residual, int columns) {
    Buffer sum = on.bf16(residual);
    Buffer y = on.emptyBf16(x.length);
    operator.addAndNorm(on.bf16(x), sum, weight(on, columns), y, x.length / columns);
    return new float[][] {on.readBf16(sum), on.readBf16(y)};
  }

  private static NormWeight weight(CaseDevice on, int columns) {
    return new NormWeight(on.bf16(CaseDevice.normal(columns, 9)), columns, EPSILON);
  }
}
