package org.sparkao.quant.gguf;

import java.util.Arrays;

/**
 * IQ4_XS: 8 groups of 32 values, x = d s v(q), with v the 16 values of {@link UnevenFit} and scales
 * s of six bits and signs. Bytes: d as fp16, the upper two bits of the scales, their low four,
 * codes.
 */
final class UnevenSuperBlock implements Block {
  private static final int GROUP = 32;
  private static final int GROUPS = 8;
  private static final int SCALE_MIDDLE = 32;

  private final float[] scales = new float[GROUPS];
  private final float[] weights = new float[GROUP];
  private final byte[] codes = new byte[GROUP];

  @Override
  public void encode(float[] values, int from, byte[] out, int at) {
    for (int group = 0; group < GROUPS; group++) {
      scales[group] = UnevenFit.scale(values, from + GROUP * group);
    }
    round(values, from, out, at);
  }

  @Override
  public void encode(float[] values, int from, Importance importance, byte[] out, int at) {
    float meanSquare = Importance.squares(values, from, GROUPS * GROUP) * (2f / (GROUPS * GROUP));
    for (int group = 0; group < GROUPS; group++) {
      int begin = from + GROUP * group;
      importance.weigh(values, begin, GROUP, meanSquare, weights);
      scales[group] = UnevenFit.scale(values, begin, weights);
    }
    round(values, from, out, at);
  }

  private void round(float[] values, int from, byte[] out, int at) {
    float scale = -BlockNumbers.extreme(scales, 0, GROUPS) / SCALE_MIDDLE;
    float inverse = BlockNumbers.inverse(scale);
    BlockNumbers.half(scale, out, at);
    Arrays.fill(out, at + 2, at + 8, (byte) 0);
    int high = 0;
    for (int group = 0; group < GROUPS; group++) {
      int s = BlockNumbers.nearest(inverse * scales[group], -SCALE_MIDDLE, SCALE_MIDDLE - 1);
      float inverseOfGroup = BlockNumbers.inverse(scale * s);
      for (int j = 0; j < GROUP; j++) {
        codes[j] = (byte) UnevenFit.code(inverseOfGroup * values[from + GROUP * group + j]);
      }
      Nibbles.low(codes, 0, out, at + 8 + 16 * group);
      int stored = s + SCALE_MIDDLE;
      out[at + 4 + group / 2] |= (byte) ((stored & 0xF) << 4 * (group % 2));
      high |= stored >> 4 << 2 * group;
    }
    out[at + 2] = (byte) high;
    out[at + 3] = (byte) (high >> 8);
  }

  @Override
  public void decode(byte[] bytes, int from, float[] values, int at) {
    float scale = BlockNumbers.half(bytes, from);
    int high = bytes[from + 2] & 0xFF | (bytes[from + 3] & 0xFF) << 8;
    for (int group = 0; group < GROUPS; group++) {
      int low = bytes[from + 4 + group / 2] >> 4 * (group % 2) & 0xF;
      float scaleOfGroup = scale * ((low | (high >> 2 * group & 3) << 4) - SCALE_MIDDLE);
      Nibbles.unpackLow(bytes, from + 8 + 16 * group, codes);
      for (int j = 0; j < GROUP; j++) {
        values[at + GROUP * group + j] = scaleOfGroup * UnevenFit.value(codes[j]);
      }
    }
  }
}
