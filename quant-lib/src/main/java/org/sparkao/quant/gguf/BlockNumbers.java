package org.sparkao.quant.gguf;

import org.sparkao.quant.format.WeightType;

/** Rounding and scales as all block formats need them. */
final class BlockNumbers {
  /** 1.5 x 2^23: added to a number below 2^22 in magnitude, it leaves the nearest integer. */
  static final float INTEGERS = 12582912f;

  /** Bits of such a sum that say the integer, which is {@link #INTEGER_ZERO} for 0. */
  static final int INTEGER = 0x7FFFFF;

  static final int INTEGER_ZERO = 0x400000;

  /** The other bits of such a sum. */
  static final int INTEGER_EXPONENT = 0x4B000000;

  /** Groups whose largest magnitude is below this are taken for zeros. */
  static final float ZERO = 1e-15f;

  private BlockNumbers() {}

  /** The nearest integer, ties to even; its low 23 bits for magnitudes from 2^22 on. */
  static int nearest(float value) {
    return (Float.floatToRawIntBits(value + INTEGERS) & INTEGER) - INTEGER_ZERO;
  }

  /** The nearest integer within [low, high], ties to even. */
  static int nearest(float value, int low, int high) {
    return Math.max(low, Math.min(high, nearest(value)));
  }

  /** The nearest integer, ties away from zero. */
  static int nearestAway(float value) {
    return (int) (value < 0 ? Math.ceil(value - 0.5) : Math.floor(value + 0.5));
  }

  /** The reciprocal; 0 of 0. */
  static float inverse(float value) {
    return value == 0 ? 0 : 1 / value;
  }

  /** Writes the half nearest to a number and gives what it reads as. */
  static float half(float value, byte[] out, int at) {
    WeightType.F16.write(value, out, at);
    return WeightType.F16.read(out, at);
  }

  /** The half that stands at a place. */
  static float half(byte[] bytes, int at) {
    return WeightType.F16.read(bytes, at);
  }

  /** The value of largest magnitude, the first of several; 0 when all are zero. */
  static float extreme(float[] values, int from, int count) {
    float extreme = 0;
    float magnitude = 0;
    for (int i = from; i < from + count; i++) {
      if (Math.abs(values[i]) > magnitude) {
        magnitude = Math.abs(values[i]);
        extreme = values[i];
      }
    }
    return extreme;
  }
}
