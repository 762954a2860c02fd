package org.sparkao.quant.gguf;

import java.util.Arrays;
import java.util.Optional;

/**
 * Q6_K: 16 groups of 16 values, x = d s (q - 32), with scales s of eight bits and signs. Bytes: the
 * low four bits, the upper two, scales, d as fp16.
 */
final class SixBitSuperBlock implements Block {
  private static final int SIZE = 256;
  private static final int GROUP = 16;
  private static final int GROUPS = SIZE / GROUP;
  private static final int MIDDLE = 32;
  private static final int SCALES = 192;
  private static final int BYTES = 210;

  private final float[] scales = new float[GROUPS];
  private final byte[] codes = new byte[SIZE];
  private final float[] weights = new float[GROUP];
  private final SymmetricFit fit = new SymmetricFit(MIDDLE, weights);
  private final Optional<VectorSymmetricFit> vectors;

  SixBitSuperBlock(BlockLoops loops) {
    this.vectors = loops.vectors() ? Optional.of(new VectorSymmetricFit(MIDDLE)) : Optional.empty();
  }

  @Override
  public void encode(float[] values, int from, byte[] out, int at) {
    if (vectors.isPresent()) {
      fit(vectors.get(), values, from);
      roundAll(values, from, out, at);
      return;
    }
    for (int j = 0; j < GROUPS; j++) {
      for (int l = 0; l < GROUP; l++) {
        float value = values[from + GROUP * j + l];
        weights[l] = value * value;
      }
      scales[j] = fit.fit(values, from + GROUP * j, codes, GROUP * j);
    }
    roundAll(values, from, out, at);
  }

  /** Half of the groups at a time. */
  private void fit(VectorSymmetricFit eight, float[] values, int from) {
    for (int half = 0; half < GROUPS; half += GROUPS / 2) {
      eight.fit(values, from + GROUP * half, scales, half);
      for (int j = 0; j < GROUPS / 2; j++) {
        eight.codes(j, codes, GROUP * (half + j));
      }
    }
  }

  @Override
  public void encode(float[] values, int from, Importance importance, byte[] out, int at) {
    for (int j = 0; j < GROUPS; j++) {
      importance.plain(from + GROUP * j, GROUP, weights);
      scales[j] = fit.fit(values, from + GROUP * j, codes, GROUP * j);
    }
    roundAll(values, from, out, at);
  }

  private void roundAll(float[] values, int from, byte[] out, int at) {
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

  @Override
  public void decode(byte[] bytes, int from, float[] values, int at) {
    float scale = BlockNumbers.half(bytes, from + SCALES + GROUPS);
    for (int half = 0; half < 2; half++) {
      unpack(bytes, from + 64 * half, from + 128 + 32 * half, 128 * half);
    }
    for (int j = 0; j < GROUPS; j++) {
      float scaleOfGroup = scale * bytes[from + SCALES + j];
      for (int i = GROUP * j; i < GROUP * (j + 1); i++) {
        values[at + i] = scaleOfGroup * (codes[i] - MIDDLE);
      }
    }
  }

  /** The inverse of {@link #pack}. */
  private void unpack(byte[] bytes, int low, int high, int first) {
    for (int l = 0; l < 32; l++) {
      int upper = bytes[high + l];
      codes[first + l] = (byte) (bytes[low + l] & 0xF | (upper & 3) << 4);
      codes[first + l + 32] = (byte) (bytes[low + l + 32] & 0xF | (upper >> 2 & 3) << 4);
      codes[first + l + 64] = (byte) (bytes[low + l] >> 4 & 0xF | (upper >> 4 & 3) << 4);
      codes[first + l + 96] = (byte) (bytes[low + l + 32] >> 4 & 0xF | (upper >> 6 & 3) << 4);
    }
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
