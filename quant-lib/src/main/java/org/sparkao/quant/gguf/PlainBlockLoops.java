package org.sparkao.quant.gguf;

import org.sparkao.quant.format.WeightType;

/** One value after the other. */
final class PlainBlockLoops implements BlockLoops {

  @Override
  public float extreme(float[] x, int from) {
    return BlockNumbers.extreme(x, from, SIZE);
  }

  @Override
  public void nearestAway(float[] x, int from, float factor, byte[] out, int at) {
    for (int j = 0; j < SIZE; j++) {
      out[at + j] = (byte) BlockNumbers.nearestAway(x[from + j] * factor);
    }
  }

  @Override
  public void codes(float[] x, int from, float factor, int middle, byte[] codes) {
    float shift = middle + 0.5f;
    for (int j = 0; j < SIZE; j++) {
      codes[j] = (byte) Math.min(2 * middle - 1, (int) (x[from + j] * factor + shift));
    }
  }

  @Override
  public void nearest(float[] x, int from, Range range, byte[] codes, int at) {
    for (int j = 0; j < SIZE; j++) {
      float position = (x[from + j] + range.offset()) / range.scale();
      codes[at + j] =
          (byte) (BlockNumbers.nearest(position, range.low(), range.high()) + range.shift());
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
