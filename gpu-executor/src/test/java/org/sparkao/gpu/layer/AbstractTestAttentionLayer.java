package org.sparkao.gpu.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparkao.quant.format.NumberFormats;

/** A whole layer, against doubles. */
abstract class AbstractTestAttentionLayer extends AbstractLayerTest {
  static final int CAPACITY = 260;
  static final int[] LENGTHS = {1, 200, 129};
  static final AttentionShape SMALL = new AttentionShape(256, new HeadShape(4, 2, 64));
  static final AttentionShape MIDDLE = new AttentionShape(1024, new HeadShape(8, 1, 128));

  /**
   * ||added - doubles|| / ||doubles||: an e4m3 code is off by 2.6 % of its number, root mean square
   * (a uniform error of a sixteenth at most, over mantissas from 1 to 2), and two quantizations lie
   * on the way, of which the first counts in q, k and v. What is wrong is off by 100 %.
   */
  private static final double TWICE_FP8 = 0.06;

  /** The same of one quantization: 2.6 %, and a little for numbers that were rounded to bf16. */
  private static final double ONCE_FP8 = 0.035;

  abstract LayerOperators operators();

  @Test
  void isTheLayerOfDoubles() {
    checkAgainstDoubles(SMALL);
    checkAgainstDoubles(MIDDLE);
  }

  private void checkAgainstDoubles(AttentionShape shape) {
    AttentionCase data = new AttentionCase(shape, CAPACITY, LENGTHS);
    HeadShape heads = shape.heads();
    long slots = (long) LENGTHS.length * CAPACITY * heads.keyHeads() * heads.dimension();
    float[] keys = CaseDevice.normal(slots, 51);
    float[] values = CaseDevice.normal(slots, 52);
    KvCache cache =
        new KvCache(
            KvCache.Type.BF16,
            tested.bf16(keys),
            tested.bf16(values),
            Optional.empty(),
            LENGTHS.length,
            CAPACITY);
    AttentionCase.Result result;
    try (AttentionCase.OnDevice layer = data.on(tested, operators(), cache, 0)) {
      result = layer.run().result();
    }
    AttentionInDoubles doubles = new AttentionInDoubles(data, keys, values);
    int hidden = shape.hidden();
    for (int row = 0; row < LENGTHS.length; row++) {
      float[] y = Arrays.copyOfRange(result.y(), row * hidden, (row + 1) * hidden);
      float[] x = Arrays.copyOfRange(data.x, row * hidden, (row + 1) * hidden);
      assertWithin(TWICE_FP8, AttentionCase.Result.added(y, x), doubles.added(row));
      double[] exact = new double[hidden];
      double[] decoded = new double[hidden];
      for (int i = 0; i < hidden; i++) {
        exact[i] = y[i];
        byte code = result.codes()[row * hidden + i];
        decoded[i] = NumberFormats.E4M3FN.decode(code) * result.scales()[row];
      }
      assertWithin(ONCE_FP8, decoded, AttentionInDoubles.normed(exact, data.nextNorm));
    }
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "FP32")
  void rowsDoNotDependOnOthers(KvCache.Type type) {
    AttentionCase data = new AttentionCase(MIDDLE, CAPACITY, LENGTHS);
    CacheCase caches = cache(type, MIDDLE);
    AttentionCase.Result all = run(data, tested, operators(), caches.on(tested), 0);
    int hidden = MIDDLE.hidden();
    for (int row = 0; row < LENGTHS.length; row++) {
      AttentionCase.Result alone = run(data, tested, operators(), caches.on(tested, row, 1), row);
      int begin = row * hidden;
      assertThat(alone.y()).isEqualTo(Arrays.copyOfRange(all.y(), begin, begin + hidden));
      assertThat(alone.codes()).isEqualTo(Arrays.copyOfRange(all.codes(), begin, begin + hidden));
      assertThat(alone.scales()).containsExactly(all.scales()[row]);
    }
  }

  @Test
  void whatDoesNotFitIsRefused() {
    AttentionCase data = new AttentionCase(SMALL, CAPACITY, LENGTHS);
    LayerOperators operators = operators();
    KvCache cache = cache(KvCache.Type.BF16, SMALL).on(tested);
    try (AttentionCase.OnDevice small = data.on(tested, operators, cache, 0)) {
      assertThatThrownBy(() -> small.runIn(MIDDLE, KvCache.Type.BF16, LENGTHS.length))
          .hasMessage(
              "qkv_proj [512, 256] e4m3 x e4m3, scales ROW x ROW is no projection of a layer"
                  + " of hidden 1024, 8/1 heads of 128");
      assertThatThrownBy(() -> small.runIn(SMALL, KvCache.Type.INT8, LENGTHS.length))
          .hasMessage("a cache of BF16 where INT8 is expected");
      assertThatThrownBy(() -> small.runIn(SMALL, KvCache.Type.BF16, LENGTHS.length - 1))
          .hasMessage("rows 3 is more than 2");
    }
  }

  static CacheCase cache(KvCache.Type type, AttentionShape shape) {
    return CacheCase.random(
        type, shape.heads(), LENGTHS.length, CAPACITY, type != KvCache.Type.BF16);
  }

  static AttentionCase.Result run(
      AttentionCase data, CaseDevice on, LayerOperators operators, KvCache cache, int first) {
    try (AttentionCase.OnDevice layer = data.on(on, operators, cache, first)) {
      return layer.run().result();
    }
  }

  /** NaN is never within. */
  static void assertWithin(double bound, double[] actual, double[] expected) {
    assertThat(actual).hasSameSizeAs(expected);
    double difference = 0;
    double norm = 0;
    for (int i = 0; i < expected.length; i++) {
      difference += Math.pow(actual[i] - expected[i], 2);
      norm += Math.pow(expected[i], 2);
    }
    assertThat(Math.sqrt(difference / norm)).isLessThanOrEqualTo(bound);
  }
}
