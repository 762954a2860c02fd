package org.sparkao.quant.gguf;

import java.util.Arrays;

/**
 * Q3_K: 16 groups of 16 values, x = d s (q - 4), with scales s of six bits and signs. Bytes: the
 * third bits, the low two, scales in twelve, d as fp16.
 */
final class ThreeBitSuperBlock implements Block {
  private static final int SIZE = 256;
  private static final int GROUP = 16;
  private static final int GROUPS = SIZE / GROUP;
  private static final int MIDDLE = 4;
  private static final int SCALE_MIDDLE = 32;
  private static final int PASSES = 5;

  private final float[] scales = new float[GROUPS];
  private final byte[] codes = new byte[SIZE];
  private final float[] weights = new float[GROUP];
  private final SymmetricFit weightedFit = new SymmetricFit(MIDDLE, weights);
  private final float[] groupWeights = new float[GROUPS];
  private final SymmetricFit fitOfScales = new SymmetricFit(SCALE_MIDDLE, groupWeights);
  private final byte[] scaleCodes = new byte[GROUPS];

  @Override
  public void encode(float[] values, int from, byte[] out, int at) {
    for (int j = 0; j < GROUPS; j++) {
      scales[j] = fit(values, from, GROUP * j);
    }
    float extreme = BlockNumbers.extreme(scales, 0, GROUPS);
    float inverse = extreme == 0 ? 0 : -(float) SCALE_MIDDLE / extreme;
    int packed = at + 96;
    Arrays.fill(out, packed, packed + 12, (byte) 0);
    float scale = BlockNumbers.half(BlockNumbers.inverse(inverse), out, packed + 12);
    for (int j = 0; j < GROUPS; j++) {
      int s = 0;
      if (extreme != 0) {
        s =
            BlockNumbers.nearest(inverse * scales[j], -SCALE_MIDDLE, SCALE_MIDDLE - 1)
                + SCALE_MIDDLE;
        packScale(j, s, out, packed);
      }
      round(values, from, GROUP * j, scale * (s - SCALE_MIDDLE));
    }
    packCodes(out, at);
  }

  @Override
  public void encode(float[] values, int from, Importance importance, byte[] out, int at) {
    float meanSquare = Importance.twiceMeanSquare(values, from, SIZE);
    for (int j = 0; j < GROUPS; j++) {
      int begin = from + GROUP * j;
      groupWeights[j] = importance.weigh(values, begin, GROUP, meanSquare, weights);
      scales[j] = weightedFit.fit(values, begin, codes, GROUP * j);
    }
    int packed = at + 96;
    Arrays.fill(out, packed, packed + 12, (byte) 0);
    float scale = BlockNumbers.half(fitOfScales.fit(scales, 0, scaleCodes, 0), out, packed + 12);
    for (int j = 0; j < GROUPS; j++) {
      packScale(j, scaleCodes[j], out, packed);
      round(values, from, GROUP * j, scale * (scaleCodes[j] - SCALE_MIDDLE));
    }
    packCodes(out, at);
  }

  private static void packScale(int group, int scale, byte[] out, int packed) {
    out[packed + group % 8] |= (byte) ((scale & 0xF) << (group < 8 ? 0 : 4));
    out[packed + 8 + group % 4] |= (byte) (scale >> 4 << 2 * (group / 4));
  }

  private void packCodes(byte[] out, int at) {
    for (int m = 0; m < 32; m++) {
      int bits = 0;
      for (int i = 0; i < 8; i++) {
        bits |= (codes[32 * i + m] >> 2 & 1) << i;
      }
      out[at + m] = (byte) bits;
    }
    Nibbles.pairs(codes, out, at + 32);
  }

  @Override
  public void decode(byte[] bytes, int from, float[] values, int at) {
    int packed = from + 96;
    float scale = BlockNumbers.half(bytes, packed + 12);
    Nibbles.unpackPairs(bytes, from + 32, codes);
    for (int j = 0; j < GROUPS; j++) {
      int low = bytes[packed + j % 8] >> (j < 8 ? 0 : 4) & 0xF;
      int high = bytes[packed + 8 + j % 4] >> 2 * (j / 4) & 3;
      float scaleOfGroup = scale * ((low | high << 4) - SCALE_MIDDLE);
      for (int i = GROUP * j; i < GROUP * (j + 1); i++) {
        int third = bytes[from + i % 32] >> i / 32 & 1;
        values[at + i] = scaleOfGroup * (codes[i] + 4 * third - MIDDLE);
      }
    }
  }

  /**
   * Least squares weighted by x^2, then code by code whatever makes the explained part larger. The
   * group's codes are left in place, all 0 for zeros.
   */
  private float fit(float[] x, int from, int group) {
    float extreme = BlockNumbers.extreme(x, from + group, GROUP);
    if (Math.abs(extreme) < BlockNumbers.ZERO) {
      Arrays.fill(codes, group, group + GROUP, (byte) 0);
      return 0;
    }
    float inverse = -(float) MIDDLE / extreme;
    float products = 0;
    float squares = 0;
    for (int i = group; i < group + GROUP; i++) {
      float value = x[from + i];
      int code = BlockNumbers.nearest(inverse * value, -MIDDLE, MIDDLE - 1);
      codes[i] = (byte) code;
      float weight = value * value;
      products += weight * value * code;
      squares += weight * code * code;
    }
    boolean changed = true;
    for (int pass = 0; pass < PASSES && changed; pass++) {
      changed = false;
      for (int i = group; i < group + GROUP; i++) {
        float value = x[from + i];
        float weight = value * value;
        float otherProducts = products - weight * value * codes[i];
        if (!(otherProducts > 0)) {
          continue;
        }
        float otherSquares = squares - weight * codes[i] * codes[i];
        int code = BlockNumbers.nearest(value * otherSquares / otherProducts, -MIDDLE, MIDDLE - 1);
        if (code == codes[i]) {
          continue;
        }
        otherProducts += weight * value * code;
        otherSquares += weight * code * code;
        if (otherSquares > 0
            && otherProducts * otherProducts * squares > products * products * otherSquares) {
          codes[i] = (byte) code;
          products = otherProducts;
          squares = otherSquares;
          changed = true;
        }
      }
    }
    for (int i = group; i < group + GROUP; i++) {
      codes[i] += MIDDLE;
    }
    return squares > 0 ? products / squares : 0;
  }

  private void round(float[] values, int from, int group, float scale) {
    if (scale == 0) {
      return;
    }
    for (int i = group; i < group + GROUP; i++) {
      codes[i] =
          (byte) (BlockNumbers.nearest(values[from + i] / scale, -MIDDLE, MIDDLE - 1) + MIDDLE);
    }
  }
}
