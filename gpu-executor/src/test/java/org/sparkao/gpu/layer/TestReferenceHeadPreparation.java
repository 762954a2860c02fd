package org.sparkao.gpu.layer;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.layer.HeadPreparation.Norms;
import org.sparkao.gpu.layer.HeadPreparation.Places;
import org.sparkao.gpu.layer.HeadPreparation.Rotation;
import org.sparkao.gpu.layer.HeadPreparation.Steps;

/** The reference, with values computed by hand. */
class TestReferenceHeadPreparation extends AbstractTestHeadPreparation {
  private static final HeadShape SHAPE = new HeadShape(1, 1, 16);

  @Override
  CaseDevice open() {
    return CaseDevice.cpu();
  }

  @Override
  HeadPreparation operator() {
    return new ReferenceHeadPreparation();
  }

  @Test
  void turnsByAQuarter() {
    float[] qkv = new float[48];
    for (int i = 0; i < 48; i++) {
      qkv[i] = i;
    }
    Buffer x = tested.bf16(qkv);
    float[] ones = new float[16];
    Arrays.fill(ones, 8, 16, 1);
    Rotation quarter = new Rotation(tested.floats(new float[16]), tested.floats(ones));
    KvCache.Scales scales = new KvCache.Scales(tested.empty(16), tested.empty(16), true);
    KvCache cache =
        new KvCache(
            KvCache.Type.INT8, tested.empty(64), tested.empty(64), Optional.of(scales), 2, 2);
    Places places = new Places(tested.ints(1), Optional.of(tested.ints(1)), 1);
    operator()
        .prepare(
            x,
            SHAPE,
            places,
            new Steps(Optional.empty(), Optional.of(quarter), Optional.of(cache)));
    // (low, high) becomes (-high, low); v stays.
    float[] turned = tested.readBf16(x);
    for (int i = 0; i < 8; i++) {
      assertThat(turned[i]).isEqualTo(-(8f + i));
      assertThat(turned[8 + i]).isEqualTo((float) i);
      assertThat(turned[16 + i]).isEqualTo(-(24f + i));
      assertThat(turned[40 + i]).isEqualTo(40f + i);
    }
    // Slot of sequence 1, position 1; the largest of v is 47.
    assertThat(tested.readFloats(scales.values())[3]).isEqualTo(47f / 127);
    byte[] values = tested.readBytes(cache.values());
    assertThat(values[63]).isEqualTo((byte) 127);
    assertThat(values[48]).isEqualTo((byte) 86); // 32 * 127 / 47 = 86.47
    assertThat(Arrays.copyOf(values, 48)).containsOnly((byte) 0xFF);
    assertThat(tested.readBytes(cache.keys())[48]).isEqualTo((byte) -98); // 24 * 127 / 31 = 98.3
  }

  @Test
  void normsHeadsApart() {
    float[] qkv = new float[48];
    Arrays.fill(qkv, 0, 16, 3);
    Arrays.fill(qkv, 16, 32, -5);
    Arrays.fill(qkv, 32, 48, 7);
    float[] twos = new float[16];
    Arrays.fill(twos, 2);
    float[] ones = new float[16];
    Arrays.fill(ones, 1);
    Buffer x = tested.bf16(qkv);
    Norms norms = new Norms(tested.bf16(twos), tested.bf16(ones), 0);
    operator()
        .prepare(
            x,
            SHAPE,
            new Places(tested.ints(0), Optional.empty(), 1),
            new Steps(Optional.of(norms), Optional.empty(), Optional.empty()));
    float[] normed = tested.readBf16(x);
    assertThat(Arrays.copyOfRange(normed, 0, 16)).containsOnly(2);
    assertThat(Arrays.copyOfRange(normed, 16, 32)).containsOnly(-1);
    assertThat(Arrays.copyOfRange(normed, 32, 48)).containsOnly(7);
  }
}
