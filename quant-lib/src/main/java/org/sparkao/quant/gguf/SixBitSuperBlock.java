package org.sparkao.quant.gguf;

import java.util.Arrays;

/**
 * Q6_K: 16 groups of 16 values, x = d s (q - 32), with scales s of eight bits and signs. Bytes: the
 * low four bits, the upper two, scales, d as fp16.
 */
final class SixBitSuperBlock implements BlockEncoder {
  private static final int SIZE = 256;
  private static final int GROUP = 16;
  private static final int GROUPS = SIZE / GROUP;
  private static final int MIDDLE = 32;
  private static final int TRIALS = 9;
  private static final int SCALES = 192;
  private static final int BYTES = 210;

  private final float[] scales = new float[GROUPS];
  private final byte[] codes = new byte[SIZE];

  @Override
  public void encode(float[] values, int from, byte[] out, int at) {
    for (int j = 0; j < GROUPS; j++) {
      scales[j] = fit(values, from, GROUP * j);
    }
    float extreme = BlockNumbers.extreme(scales, 0, GROUPS);
    if (Math.abs(extreme) < BlockNumbers.ZERO) {
      Arrays.fill(out, at, at + BYTES, (byte) 0);
      return;
    }
    float inverse = -128f / extreme;
    float scale = BlockNumbers.half(1 / inverse, out, at + SCALES + GROUPS);
    for (int j = 0; j < GROUPS; j++) {
      out[at + SCALES + j] = (byte) Math.min(127, BlockNumbers.nearest(inverse * scales[j]));
      round(values, from, GROUP * j, scale * out[at + SCALES + j]);
    }
    for (int half = 0; half < 2; half++) {
      pack(128 * half, out, at + 64 * half, at + 128 + 32 * half);
    }
  }

  /** The best of 19 scales near -32 / extreme by least squares weighted by x^2. */
  private float fit(float[] x, int from, int group) {
    float extreme = BlockNumbers.extreme(x, from + group, GROUP);
    if (Math.abs(extreme) < BlockNumbers.ZERO) {
      Arrays.fill(codes, group, group + GROUP, (byte) 0);
      return 0;
    }
    float scale = 0;
    float best = 0;
    // The plain one first: its scale stands even where nothing is explained.
    for (int i = -TRIALS - 1; i <= TRIALS; i++) {
      int trial = i < -TRIALS ? 0 : i;
      if (i == 0) {
        continue;
      }
      float inverse = -(MIDDLE + 0.1f * trial) / extreme;
      float products = 0;
      float squares = 0;
      for (int k = group; k < group + GROUP; k++) {
        float value = x[from + k];
        int code = BlockNumbers.nearest(inverse * value, -MIDDLE, MIDDLE - 1);
        float weight = value * value;
        products += weight * value * code;
        squares += weight * code * code;
      }
      if (i < -TRIALS || squares > 0 && products * products > best * squares) {
        scale = squares == 0 ? 0 : products / squares;
        best = scale * products;
        for (int k = group; k < group + GROUP; k++) {
          codes[k] =
              (byte) (BlockNumbers.nearest(inverse * x[from + k], -MIDDLE, MIDDLE - 1) + MIDDLE);
        }
      }
    }
    return scale;
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

  /** 128 codes: low halves of l and l + 64, of l + 32 and l + 96; the upper bits of all four. */
  private void pack(int first, byte[] out, int low, int high) {
    for (int l = 0; l < 32; l++) {
      int a = codes[first + l];
      int b = codes[first + l + 32];
      int c = codes[first + l + 64];
      int d = codes[first + l + 96];
      out[low + l] = (byte) (a & 0xF | (c & 0xF) << 4);
      out[low + l + 32] = (byte) (b & 0xF | (d & 0xF) << 4);
      out[high + l] = (byte) (a >> 4 | b >> 4 << 2 | c >> 4 << 4 | d >> 4 << 6);
    }
  }
}
