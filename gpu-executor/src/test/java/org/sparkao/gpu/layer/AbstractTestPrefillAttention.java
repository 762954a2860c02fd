package org.sparkao.gpu.layer;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkao.gpu.device.Buffer;

/** Whole sequences, against the reference. */
abstract class AbstractTestPrefillAttention extends AbstractLayerTest {
  private static final int[] LENGTHS = {1, 5, 127, 64, 33, 65};

  /** Tokens behind a prefix. */
  private static final int[] OWN = {1, 25, 66};

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

  /** Sequences that begin with the same tokens, each whole, and with these tokens once. */
  @ParameterizedTest
  @CsvSource({"64, 1", "64, 63", "80, 64", "96, 70", "128, 130", "256, 33"})
  void prefixesChangeNoBit(int dimension, int shared) {
    HeadShape shape = new HeadShape(6, 2, dimension);
    int row = shape.rowElements();
    int out = shape.queryElements();
    float[] prefix = CaseDevice.normal((long) shared * row, 1);
    int[] boundaries = {0, shared, shared, shared, shared};
    float[] packed = prefix;
    int[] prefixes = {0, 0, 0, shared, 0, shared, 0, shared};
    List<float[]> expected = new ArrayList<>();
    for (int i = 0; i < OWN.length; i++) {
      float[] own = CaseDevice.normal((long) OWN[i] * row, 2 + i);
      float[] whole = attend(tested, operator(), joined(prefix, own), shape, shared + OWN[i]);
      expected.add(Arrays.copyOfRange(whole, 0, shared * out));
      expected.add(Arrays.copyOfRange(whole, shared * out, whole.length));
      packed = joined(packed, own);
      boundaries[i + 2] = boundaries[i + 1] + OWN[i];
    }
    int tokens = boundaries[OWN.length + 1];
    Buffer to = tested.emptyBf16((long) tokens * out);
    int longest = Math.max(shared, OWN[OWN.length - 1]);
    operator()
        .attend(
            tested.bf16(packed),
            shape,
            new PrefillAttention.Batch(
                tested.ints(boundaries),
                OWN.length + 1,
                tokens,
                longest,
                Optional.of(tested.ints(prefixes))),
            to);
    float[] found = tested.readBf16(to);
    for (int i = 0; i < OWN.length; i++) {
      assertThat(Arrays.copyOf(found, shared * out)).isEqualTo(expected.get(2 * i));
      assertThat(Arrays.copyOfRange(found, boundaries[i + 1] * out, boundaries[i + 2] * out))
          .isEqualTo(expected.get(2 * i + 1));
    }
  }

  private static float[] joined(float[] a, float[] b) {
    float[] both = Arrays.copyOf(a, a.length + b.length);
    System.arraycopy(b, 0, both, a.length, b.length);
    return both;
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
