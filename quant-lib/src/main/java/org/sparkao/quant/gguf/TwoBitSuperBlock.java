package org.sparkao.quant.gguf;

/**
 * Q2_K: 16 groups of 16 values, x = d s q - m o, with scales s and offsets o of four bits. Bytes:
 * scales and offsets, codes of two bits, d and m as fp16.
 */
final class TwoBitSuperBlock implements Block {
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
  private final OffsetFit weightedFit =
      new OffsetFit(OffsetFit.Grid.weighted(LARGEST_CODE), weights);
  private final float[] groupWeights = new float[GROUPS];
  private final PositiveFit fitOfScales = new PositiveFit(LARGEST_SCALE, groupWeights);
  private final byte[] scaleCodes = new byte[GROUPS];
  private final byte[] offsetCodes = new byte[GROUPS];

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

  @Override
  public void encode(float[] values, int from, Importance importance, byte[] out, int at) {
    float meanSquare = Importance.meanSquare(values, from, SIZE);
    for (int j = 0; j < GROUPS; j++) {
      groupWeights[j] = importance.weigh(values, from + GROUP * j, GROUP, meanSquare, weights);
      scales[j] = weightedFit.fit(values, from, codes, GROUP * j);
      offsets[j] = weightedFit.offset();
    }
    int end = at + GROUPS + SIZE / 4;
    float scale = BlockNumbers.half(fitOfScales.fit(scales, scaleCodes), out, end);
    float offset = BlockNumbers.half(fitOfScales.fit(offsets, offsetCodes), out, end + 2);
    for (int j = 0; j < GROUPS; j++) {
      out[at + j] = (byte) (scaleCodes[j] | offsetCodes[j] << 4);
      round(values, from, GROUP * j, scale * scaleCodes[j], offset * offsetCodes[j]);
    }
    Nibbles.pairs(codes, out, at + GROUPS);
  }

  @Override
  public void decode(byte[] bytes, int from, float[] values, int at) {
    int end = from + GROUPS + SIZE / 4;
    float scale = BlockNumbers.half(bytes, end);
    float offset = BlockNumbers.half(bytes, end + 2);
    Nibbles.unpackPairs(bytes, from + GROUPS, codes);
    for (int j = 0; j < GROUPS; j++) {
      float scaleOfGroup = scale * (bytes[from + j] & 0xF);
      float offsetOfGroup = offset * (bytes[from + j] >> 4 & 0xF);
      for (int i = GROUP * j; i < GROUP * (j + 1); i++) {
        values[at + i] = scaleOfGroup * codes[i] - offsetOfGroup;
      }
    }
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
