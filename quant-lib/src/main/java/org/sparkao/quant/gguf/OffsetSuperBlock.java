package org.sparkao.quant.gguf;

import java.util.Optional;

/**
 * Q4_K and Q5_K: 8 groups of 32 values, x = d s q - m o, with scales s and offsets o of six bits.
 * Bytes: d and m as fp16, scales and offsets in twelve, for five bits the fifth ones, the low four.
 */
final class OffsetSuperBlock implements Block {
  private static final int SIZE = 256;
  private static final int GROUP = 32;
  private static final int GROUPS = SIZE / GROUP;
  private static final int LARGEST_SCALE = 63;

  /** From here on a 63rd part is a half that is not zero. */
  private static final float SURE_SCALE = 0x1p-18f;

  private final int bits;
  private final float[] weights = new float[GROUP];
  private final BlockLoops loops;
  private final OffsetFit fit;
  private final Optional<VectorOffsetFit> vectors;
  private final float[] scales = new float[GROUPS];
  private final float[] offsets = new float[GROUPS];
  private final byte[] codes = new byte[SIZE];
  private final GroupScales rounded;
  private final OffsetFit weightedFit;
  private final float[] groupWeights = new float[GROUPS];
  private final PositiveFit fitOfScales = new PositiveFit(LARGEST_SCALE, groupWeights);
  private final byte[] scaleCodes = new byte[GROUPS];
  private final byte[] offsetCodes = new byte[GROUPS];

  OffsetSuperBlock(int bits, BlockLoops loops) {
    this.bits = bits;
    this.loops = loops;
    int largest = (1 << bits) - 1;
    OffsetFit.Grid grid =
        bits == 4
            ? new OffsetFit.Grid(largest, -1, 0.1f, 20, OffsetFit.Measure.SQUARED)
            : new OffsetFit.Grid(largest, -0.5f, 0.1f, 15, OffsetFit.Measure.SQUARED);
    this.fit = new OffsetFit(grid, weights);
    this.vectors = loops.vectors() ? Optional.of(new VectorOffsetFit(grid)) : Optional.empty();
    this.weightedFit = new OffsetFit(OffsetFit.Grid.weighted(largest), weights);
    this.rounded = new GroupScales(GROUPS, 0, largest, 0);
  }

  @Override
  public void encode(float[] values, int from, byte[] out, int at) {
    fit(values, from);
    float mostScale = 0;
    float mostOffset = 0;
    for (int j = 0; j < GROUPS; j++) {
      mostScale = Math.max(mostScale, scales[j]);
      mostOffset = Math.max(mostOffset, offsets[j]);
    }
    float inverseScale = mostScale > 0 ? LARGEST_SCALE / mostScale : 0;
    float inverseOffset = mostOffset > 0 ? LARGEST_SCALE / mostOffset : 0;
    for (int j = 0; j < GROUPS; j++) {
      scaleCodes[j] = sixBits(inverseScale * scales[j]);
      offsetCodes[j] = sixBits(inverseOffset * offsets[j]);
      if (vectors.isPresent() && (scaleCodes[j] == 0 || mostScale < SURE_SCALE)) {
        vectors.get().codes(j, codes);
      }
    }
    finish(values, from, mostScale / LARGEST_SCALE, mostOffset / LARGEST_SCALE, out, at);
  }

  private static byte sixBits(float position) {
    return (byte) Math.min(LARGEST_SCALE, BlockNumbers.nearest(position) & 0xFF);
  }

  /** Scales and offsets of all groups; their codes too, or {@code vectors} has them. */
  private void fit(float[] values, int from) {
    if (vectors.isPresent()) {
      vectors.get().fit(values, from, scales, offsets);
      return;
    }
    for (int j = 0; j < GROUPS; j++) {
      weigh(values, from + GROUP * j);
      scales[j] = fit.fit(values, from, codes, GROUP * j);
      offsets[j] = fit.offset();
    }
  }

  @Override
  public void encode(float[] values, int from, Importance importance, byte[] out, int at) {
    float meanSquare = Importance.twiceMeanSquare(values, from, SIZE);
    for (int j = 0; j < GROUPS; j++) {
      groupWeights[j] = importance.weigh(values, from + GROUP * j, GROUP, meanSquare, weights);
      scales[j] = weightedFit.fit(values, from, codes, GROUP * j);
      offsets[j] = weightedFit.offset();
    }
    float scale = fitOfScales.fit(scales, scaleCodes);
    float offset = fitOfScales.fit(offsets, offsetCodes);
    finish(values, from, scale, offset, out, at);
  }

  /** Bytes of the block whose groups have {@code scaleCodes} and {@code offsetCodes}. */
  private void finish(float[] values, int from, float scale, float offset, byte[] out, int at) {
    float halfScale = BlockNumbers.half(scale, out, at);
    float halfOffset = BlockNumbers.half(offset, out, at + 2);
    for (int j = 0; j < GROUPS; j++) {
      pack(j, scaleCodes[j], offsetCodes[j], out, at + 4);
      rounded.scales[j] = halfScale * scaleCodes[j];
      rounded.offsets[j] = halfOffset * offsetCodes[j];
    }
    loops.nearest(values, from, rounded, codes);
    packCodes(out, at);
  }

  private void packCodes(byte[] out, int at) {
    int low = at + 16;
    if (bits == 5) {
      fifthBits(out, low);
      low += GROUP;
    }
    for (int pair = 0; pair < SIZE; pair += 2 * GROUP) {
      for (int l = 0; l < GROUP; l++) {
        out[low + pair / 2 + l] =
            (byte) (codes[pair + l] & 0xF | (codes[pair + GROUP + l] & 0xF) << 4);
      }
    }
  }

  @Override
  public void decode(byte[] bytes, int from, float[] values, int at) {
    float scale = BlockNumbers.half(bytes, from);
    float offset = BlockNumbers.half(bytes, from + 2);
    int low = from + 16 + (bits == 5 ? GROUP : 0);
    for (int j = 0; j < GROUPS; j++) {
      float scaleOfGroup = scale * scale(bytes, from + 4, j);
      float offsetOfGroup = offset * offset(bytes, from + 4, j);
      for (int l = 0; l < GROUP; l++) {
        int code = bytes[low + GROUP * (j / 2) + l] >> 4 * (j % 2) & 0xF;
        if (bits == 5) {
          code |= (bytes[from + 16 + l] >> j & 1) << 4;
        }
        values[at + GROUP * j + l] = scaleOfGroup * code - offsetOfGroup;
      }
    }
  }

  private static int scale(byte[] packed, int at, int group) {
    return group < 4
        ? packed[at + group] & 63
        : packed[at + group + 4] & 0xF | (packed[at + group - 4] >> 6 & 3) << 4;
  }

  private static int offset(byte[] packed, int at, int group) {
    return group < 4
        ? packed[at + group + 4] & 63
        : packed[at + group + 4] >> 4 & 0xF | (packed[at + group] >> 6 & 3) << 4;
  }

  /** Large values count more, and all of them more where the group is large. */
  private void weigh(float[] values, int from) {
    float squares = 0;
    for (int l = 0; l < GROUP; l++) {
      squares += values[from + l] * values[from + l];
    }
    float mean = (float) Math.sqrt(squares / GROUP);
    for (int l = 0; l < GROUP; l++) {
      weights[l] = mean + Math.abs(values[from + l]);
    }
  }

  /** Groups 4 to 7 keep their upper two bits above the six of groups 0 to 3. */
  private static void pack(int group, int scale, int offset, byte[] out, int at) {
    if (group < 4) {
      out[at + group] = (byte) scale;
      out[at + group + 4] = (byte) offset;
    } else {
      out[at + group + 4] = (byte) (scale & 0xF | (offset & 0xF) << 4);
      out[at + group - 4] |= (byte) (scale >> 4 << 6);
      out[at + group] |= (byte) (offset >> 4 << 6);
    }
  }

  /** Bit g of byte l belongs to value l of group g. */
  private void fifthBits(byte[] out, int at) {
    for (int l = 0; l < GROUP; l++) {
      int packed = 0;
      for (int group = 0; group < GROUPS; group++) {
        packed |= (codes[GROUP * group + l] >> 4) << group;
      }
      out[at + l] = (byte) packed;
    }
  }
}
