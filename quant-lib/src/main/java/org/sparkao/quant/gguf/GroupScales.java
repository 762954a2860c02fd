package org.sparkao.quant.gguf;

/**
 * What the values of a super-block are rounded under: codes are (x + offset) / scale, rounded to
 * the nearest integer, ties to even, within [low, high], plus {@code shift}. Where the scale is 0
 * codes stay as they are. For one thread.
 */
final class GroupScales {
  final int low;
  final int high;
  final int shift;

  /** By group. */
  final float[] scales;

  /** By group, 0 at first. */
  final float[] offsets;

  GroupScales(int groups, int low, int high, int shift) {
    this.scales = new float[groups];
    this.offsets = new float[groups];
    this.low = low;
    this.high = high;
    this.shift = shift;
  }
}
