package org.sparkao.quant.gguf;

import java.util.Arrays;
import java.util.List;

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
  private final GroupScales rounded = new GroupScales(GROUPS, -MIDDLE, MIDDLE - 1, MIDDLE);
  private final SymmetricFit fit = new SymmetricFit(MIDDLE, weights);
  private final BlockLoops loops;

  /** For a half of the groups each; none without vectors. */
  private final List<VectorSymmetricFit> halves;

  SixBitSuperBlock(BlockLoops loops) {
    this.loops = loops;
    this.halves =
        loops.vectors()
            ? List.of(new VectorSymmetricFit(MIDDLE), new VectorSymmetricFit(MIDDLE))
            : List.of();
  }

  @Override
  public void encode(float[] values, int from, byte[] out, int at) {
    for (int half = 0; half < halves.size(); half++) {
      halves.get(half).fit(values, from + SIZE / 2 * half, scales, GROUPS / 2 * half);
    }
    for (int j = 0; j < GROUPS && halves.isEmpty(); j++) {
      for (int l = 0; l < GROUP; l++) {
        float value = values[from + GROUP * j + l];
        weights[l] = value * value;
      }
      scales[j] = fit.fit(values, from + GROUP * j, codes, GROUP * j);
    }
    roundAll(values, from, halves, out, at);
  }

  @Override
  public void encode(float[] values, int from, Importance importance, byte[] out, int at) {
    for (int j = 0; j < GROUPS; j++) {
      importance.plain(from + GROUP * j, GROUP, weights);
      scales[j] = fit.fit(values, from + GROUP * j, codes, GROUP * j);
    }
    roundAll(values, from, List.of(), out, at);
  }

  /**
   * The bytes of the block whose groups have {@code scales}.
   *
   * @param fits what chose them, where their codes are still there and not in {@code codes}
   */
  private void roundAll(
      float[] values, int from, List<VectorSymmetricFit> fits, byte[] out, int at) {
    float extreme = BlockNumbers.extreme(scales, 0, GROUPS);
    if (Math.abs(extreme) < BlockNumbers.ZERO) {
      Arrays.fill(out, at, at + BYTES, (byte) 0);
      return;
    }
    float inverse = -128f / extreme;
    float scale = BlockNumbers.half(1 / inverse, out, at + SCALES + GROUPS);
    for (int j = 0; j < GROUPS; j++) {
      out[at + SCALES + j] = (byte) Math.min(127, BlockNumbers.nearest(inverse * scales[j]));
      rounded.scales[j] = scale * out[at + SCALES + j];
      if (rounded.scales[j] == 0 && !fits.isEmpty()) {
        fits.get(2 * j / GROUPS).codes(j % (GROUPS / 2), codes, GROUP * j);
      }
    }
    loops.nearest(values, from, rounded, codes);
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
