package org.sparkao.gpu.layer;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkao.gpu.device.Buffer;

/** Whole sequences, against the reference. */
abstract class AbstractTestPrefillAttention extends AbstractLayerTest {
  private static final int[] LENGTHS = {1, 5, 127, 64, 33, 65};

  abstract PrefillAttention operator();

  @ParameterizedTest
  @ValueSource(ints = {64, 80, 96, 128, 256})
  void attendsAtEveryDimension(int dimension) {
    check(new HeadShape(4, 1, dimension), LENGTHS);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 8})
  void attendsAtEveryRatio(int ratio) {
    check(new HeadShape(2 * ratio, 2, 64), LENGTHS);
  }

  private void check(HeadShape shape, int... lengths) {
    int tokens = Arrays.stream(lengths).sum();
    float[] qkv = CaseDevice.normal((long) tokens * shape.rowElements(), tokens);
    float[] actual = attend(tested, operator(), qkv, shape, lengths);
    LayerTolerance.assertWithin(
        LayerTolerance.ROUNDED_WEIGHTS,
        actual,
        attend(reference, new ReferencePrefillAttention(), qkv, shape, lengths));
    int begin = 0;
    for (int length : lengths) {
      int end = begin + length;
      float[] own = Arrays.copyOfRange(qkv, begin * shape.rowElements(), end * shape.rowElements());
      assertThat(attend(tested, operator(), own, shape, length))
          .isEqualTo(
              Arrays.copyOfRange(
                  actual, begin * shape.queryElements(), end * shape.queryElements()));
      begin = end;
    }
  }

  static float[] attend(
      CaseDevice on, PrefillAttention operator, float[] qkv, HeadShape shape, int... lengths) {
    int[] boundaries = new int[lengths.length + 1];
    for (int i = 0; i < lengths.length; i++) {
      boundaries[i + 1] = boundaries[i] + lengths[i];
    }
    int tokens = boundaries[lengths.length];
    Buffer out = on.emptyBf16((long) tokens * shape.queryElements());
    int longest = Arrays.stream(lengths).max().orElseThrow();
    operator.attend(
        on.bf16(qkv),
        shape,
        new PrefillAttention.Batch(on.ints(boundaries), lengths.length, tokens, longest),
        out);
    return on.readBf16(out);
  }
}
