package org.sparkao.quant.gguf;

import org.sparkao.quant.format.WeightType;

/** One value after the other. */
final class PlainBlockLoops implements BlockLoops {
  private static final int SIZE = BlockRun.SIZE;

  @Override
  public void extremes(BlockRun run) {
    for (int block = 0; block < run.count; block++) {
      run.extremes[block] = BlockNumbers.extreme(run.values, run.from + SIZE * block, SIZE);
    }
  }

  @Override
  public void bytes(BlockRun run) {
    for (int block = 0; block < run.count; block++) {
      int from = run.from + SIZE * block;
      int at = run.at + run.blockBytes * block + Short.BYTES;
      for (int j = 0; j < SIZE; j++) {
        float product = run.values[from + j] * run.factors[block];
        run.out[at + j] = (byte) BlockNumbers.nearestAway(product);
      }
    }
  }

  @Override
  public void symmetric(BlockRun run, int bits) {
    float shift = (1 << bits - 1) + 0.5f;
    int largest = (1 << bits) - 1;
    byte[] codes = new byte[SIZE];
    for (int block = 0; block < run.count; block++) {
      int from = run.from + SIZE * block;
      for (int j = 0; j < SIZE; j++) {
        float position = run.values[from + j] * run.factors[block] + shift;
        codes[j] = (byte) Math.min(largest, (int) position);
      }
      Nibbles.symmetric(codes, bits, run.out, run.at + run.blockBytes * block + Short.BYTES);
    }
  }

  @Override
  public void nearest(float[] x, int from, GroupScales groups, byte[] all) {
    int size = all.length / groups.scales.length;
    for (int group = 0; group < groups.scales.length; group++) {
      float scale = groups.scales[group];
      if (scale == 0) {
        continue;
      }
      for (int i = size * group; i < size * (group + 1); i++) {
        float position = (x[from + i] + groups.offsets[group]) / scale;
        all[i] = (byte) (BlockNumbers.nearest(position, groups.low, groups.high) + groups.shift);
      }
    }
  }

  @Override
  public boolean vectors() {
    return false;
  }

  @Override
  public boolean bf16(byte[] bytes, int at, float[] values, int from, int count) {
    boolean finite = true;
    for (int i = 0; i < count; i++) {
      values[from + i] = WeightType.BF16.read(bytes, at + 2 * i);
      finite &= Float.isFinite(values[from + i]);
    }
    return finite;
  }
}
