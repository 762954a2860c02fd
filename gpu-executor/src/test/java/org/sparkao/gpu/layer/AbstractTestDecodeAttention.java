package org.sparkao.gpu.layer;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.layer.DecodeAttention.Batch;

/** One query a sequence, against the reference. */
abstract class AbstractTestDecodeAttention extends AbstractLayerTest {
  private static final int[] LENGTHS = {1, 5, 127, 0, 128, 129, 257};
  private static final int CAPACITY = 260;

  abstract DecodeAttention operator();

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "FP32")
  void attendsAtEveryDimension(KvCache.Type type) {
    for (int dimension : new int[] {64, 80, 96, 128, 256}) {
      check(type, new HeadShape(8, 2, dimension), LENGTHS, CAPACITY, dimension != 96);
    }
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "FP32")
  void attendsAtEveryRatio(KvCache.Type type) {
    check(type, new HeadShape(2, 2, 128), LENGTHS, CAPACITY, true);
    check(type, new HeadShape(9, 3, 64), LENGTHS, CAPACITY, true);
    check(type, new HeadShape(8, 1, 128), LENGTHS, CAPACITY, false);
    check(type, new HeadShape(20, 2, 64), LENGTHS, CAPACITY, true);
  }

  @Test
  void attendsToLongContexts() {
    check(KvCache.Type.BF16, new HeadShape(4, 1, 64), new int[] {1000, 3000}, 3001, false);
  }

  private void check(
      KvCache.Type type, HeadShape shape, int[] lengths, int capacity, boolean perToken) {
    boolean scaled = type != KvCache.Type.BF16 && perToken;
    CacheCase cache = CacheCase.random(type, shape, lengths.length, capacity, scaled);
    float[] qkv = CaseDevice.normal((long) lengths.length * shape.rowElements(), 17);
    float[] expected =
        attend(reference, new ReferenceDecodeAttention(), qkv, shape, cache.on(reference), lengths);
    float[] actual = attend(tested, operator(), qkv, shape, cache.on(tested), lengths);
    LayerTolerance.assertWithin(LayerTolerance.ROUNDED, actual, expected);
    int width = shape.queryElements();
    for (int i : IntStream.range(0, lengths.length).filter(i -> lengths[i] > 100).toArray()) {
      float[] row = Arrays.copyOfRange(qkv, i * shape.rowElements(), (i + 1) * shape.rowElements());
      assertThat(attend(tested, operator(), row, shape, cache.on(tested, i, 1), lengths[i]))
          .isEqualTo(Arrays.copyOfRange(actual, i * width, (i + 1) * width));
    }
  }

  static float[] attend(
      CaseDevice on,
      DecodeAttention operator,
      float[] qkv,
      HeadShape shape,
      KvCache cache,
      int... lengths) {
    int longest = Math.max(1, Arrays.stream(lengths).max().orElseThrow());
    Batch batch = new Batch(on.ints(lengths), lengths.length, longest);
    Buffer out = on.emptyBf16((long) lengths.length * shape.queryElements());
    Buffer workspace = on.empty(operator.workspaceBytes(shape, cache.type(), batch));
    operator.attend(on.bf16(qkv), shape, cache, batch, new DecodeAttention.Output(out, workspace));
    return on.readBf16(out);
  }
}
