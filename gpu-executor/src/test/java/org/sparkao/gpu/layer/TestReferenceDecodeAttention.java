package org.sparkao.gpu.layer;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** The reference, with values computed by hand. */
class TestReferenceDecodeAttention extends AbstractTestDecodeAttention {
  private static final HeadShape SHAPE = new HeadShape(1, 1, 16);

  @Override
  CaseDevice open() {
    return CaseDevice.cpu();
  }

  @Override
  DecodeAttention operator() {
    return new ReferenceDecodeAttention();
  }

  @Test
  void weighsValues() {
    // Scores 4 ln(3) / 4 and 0: weights 3 / 4 and 1 / 4 of the values 4 and 8.
    float logOf3 = 1.0986123f;
    byte[] keys = new byte[32];
    byte[] values = new byte[32];
    Arrays.fill(values, 0, 16, (byte) 4);
    Arrays.fill(values, 16, 32, (byte) 8);
    keys[0] = 1;
    KvCache.Scales scales = new KvCache.Scales(tested.floats(4 * logOf3), tested.floats(1), false);
    KvCache cache =
        new KvCache(
            KvCache.Type.INT8, tested.bytes(keys), tested.bytes(values), Optional.of(scales), 1, 2);
    float[] qkv = new float[48];
    qkv[0] = 1;
    assertThat(attend(tested, operator(), qkv, SHAPE, cache, 2)).containsOnly(5);
    assertThat(attend(tested, operator(), qkv, SHAPE, cache, 1)).containsOnly(4);
    assertThat(attend(tested, operator(), qkv, SHAPE, cache, 0)).containsOnly(0);
  }
}
