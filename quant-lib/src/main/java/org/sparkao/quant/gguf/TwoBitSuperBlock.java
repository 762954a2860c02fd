package org.sparkao.quant.gguf;

/**
 * Q2_K: 16 groups of 16 values, x = d s q - m o, with scales s and offsets o of four bits. Bytes:
 * scales and offsets, codes of two bits, d and m as fp16.
 */
final class TwoBitSuperBlock implements BlockEncoder {
  private static final int SIZE = 256;
  private static final int GROUP = 16;
  private static final int GROUPS = SIZE / GROUP;
  private static final int LARGEST_SCALE = 15;
  private static final int LARGEST_CODE = 3;

  private final float[] weights = new float[GROUP];
  private final OffsetFit fit =
      new OffsetFit(
          new OffsetFit.Grid(LARGEST_CODE, -0.5f, 0.1f, 15, OffsetFit.Measure.ABSOLUTE), weights);
  private final float[] scales = new float[GROUPS];
  private final float[] offsets = new float[GROUPS];
  private final byte[] codes = new byte[SIZE];

  @Override
  public void encode(float[] values, int from, byte[] out, int at) {
    float mostScale = 0;
    float mostOffset = 0;
    for (int j = 0; j < GROUPS; j++) {
      for (int l = 0; l < GROUP; l++) {
        weights[l] = Math.abs(values[from + GROUP * j + l]);
      }
      scales[j] = fit.fit(values, from, codes, GROUP * j);
      offsets[j] = fit.offset();
      mostScale = Math.max(mostScale, scales[j]);
      mostOffset = Math.max(mostOffset, offsets[j]);
    }
    float inverseScale = mostScale > 0 ? LARGEST_SCALE / mostScale : 0;
    float inverseOffset = mostOffset > 0 ? LARGEST_SCALE / mostOffset : 0;
    int end = at + GROUPS + SIZE / 4;
    float scale = BlockNumbers.half(mostScale / LARGEST_SCALE, out, end);
    float offset = BlockNumbers.half(mostOffset / LARGEST_SCALE, out, end + 2);
    for (int j = 0; j < GROUPS; j++) {
      int s = BlockNumbers.nearest(inverseScale * scales[j]);
      int o = BlockNumbers.nearest(inverseOffset * offsets[j]);
      out[at + j] = (byte) (s | o << 4);
      round(values, from, GROUP * j, scale * s, offset * o);
    }
    Nibbles.pairs(codes, out, at + GROUPS);
  }

  private void round(float[] values, int from, int group, float scale, float offset) {
    if (scale == 0) {
      return;
    }
    for (int i = group; i < group + GROUP; i++) {
      codes[i] = (byte) BlockNumbers.nearest((values[from + i] + offset) / scale, 0, LARGEST_CODE);
    }
  }
}
