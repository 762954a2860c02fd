package org.sparkao.quant.algorithm;

/** Range of the weights that share a scale. Reused from group to group by one thread. */
final class GroupRange {
  /**
   * Magnitudes outside of 2^-CAREFUL to 2^CAREFUL might overflow or vanish when squared in fp32.
   */
  private static final float LARGE = 0x1p40f;

  private static final float SMALL = 0x1p-40f;

  /** Smallest finite value, positive infinity when there was none. */
  float min;

  /** Largest finite value, negative infinity when there was none. */
  float max;

  /** Whether a NaN or an infinity was among them. */
  boolean nonFinite;

  GroupRange() {
    clear();
  }

  GroupRange(float min, float max) {
    this.min = min;
    this.max = max;
  }

  void clear() {
    min = Float.POSITIVE_INFINITY;
    max = Float.NEGATIVE_INFINITY;
    nonFinite = false;
  }

  void add(float value) {
    if (Math.abs(value) <= Float.MAX_VALUE) {
      min = Math.min(min, value);
      max = Math.max(max, value);
    } else {
      nonFinite = true;
    }
  }

  /** Cuts off whatever is larger than {@code magnitude}. */
  void clip(float magnitude) {
    min = Math.max(min, -magnitude);
    max = Math.min(max, magnitude);
  }

  /** Largest finite magnitude, 0 when there was none. */
  float amax() {
    return min > max ? 0 : Math.max(Math.abs(min), Math.abs(max));
  }

  /**
   * Whether the group needs the careful path: weights that are no numbers, or so large or small
   * that sums of squares are kept in fp64.
   */
  boolean needsCare() {
    float amax = amax();
    return nonFinite || amax > LARGE || amax < SMALL && amax != 0;
  }
}
