package org.sparkao.gpu.layer;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** The reference, against decode attention over a cache of the same keys and values. */
class TestReferencePrefillAttention extends AbstractTestPrefillAttention {
  @Override
  CaseDevice open() {
    return CaseDevice.cpu();
  }

  @Override
  PrefillAttention operator() {
    return new ReferencePrefillAttention();
  }

  @Test
  void agreesWithDecode() {
    HeadShape shape = new HeadShape(6, 2, 32);
    int length = 9;
    int row = shape.rowElements();
    int cached = shape.keyHeads() * shape.dimension();
    float[] qkv = CaseDevice.normal((long) length * row, 1);
    float[] out = attend(tested, operator(), qkv, shape, length);
    float[] keys = new float[length * cached];
    float[] values = new float[length * cached];
    for (int i = 0; i < length; i++) {
      System.arraycopy(qkv, i * row + shape.queryElements(), keys, i * cached, cached);
      System.arraycopy(qkv, (i + 1) * row - cached, values, i * cached, cached);
    }
    KvCache cache =
        new KvCache(
            KvCache.Type.BF16, tested.bf16(keys), tested.bf16(values), Optional.empty(), 1, length);
    for (int i = 0; i < length; i++) {
      float[] query = Arrays.copyOfRange(qkv, i * row, (i + 1) * row);
      float[] decoded =
          AbstractTestDecodeAttention.attend(
              tested, new ReferenceDecodeAttention(), query, shape, cache, i + 1);
      int width = shape.queryElements();
      assertThat(decoded).isEqualTo(Arrays.copyOfRange(out, i * width, (i + 1) * width));
    }
  }
}
