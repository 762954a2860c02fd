package org.sparkao.gpu.optimizer;

import java.util.Arrays;

/**
 * The numbers in [-1, 1] that codes of states stand for, ascending.
 *
 * <p>A dynamic map spends its bits on the exponent where numbers are small and on the fraction
 * where they are large: for each power of ten the middles of equal parts of [0.1, 1] times it, then
 * 0 and 1. Source: Dettmers 2016, 8-Bit Approximations for Parallelism in Deep Learning; torchao
 * {@code optim/quant_utils.py}, whose fp32 arithmetic this follows.
 */
final class StateMaps {
  private static final int BITS = 4;

  private StateMaps() {}

  /** Of the first moment in 8 bits: 256 numbers, from -0.993 to 1. */
  static float[] signed8() {
    return dynamic(true, 7, 8);
  }

  /** Of the second moment in 8 bits: 256 numbers, from 0 to 1. */
  static float[] unsigned8() {
    return dynamic(false, 7, 8);
  }

  /** Of the first moment in 4 bits: 16 numbers, from -0.888 to 1. */
  static float[] signed4() {
    return dynamic(true, 3, BITS);
  }

  /** Of the second moment in 4 bits: 1/16 to 1, without 0 (Li et al. 2023, section 4.1). */
  static float[] unsigned4() {
    float[] map = new float[1 << BITS];
    for (int code = 0; code < map.length; code++) {
      map[code] = (code + 1) / (float) map.length;
    }
    return map;
  }

  private static float[] dynamic(boolean signed, int exponentBits, int bits) {
    float[] map = new float[1 << bits];
    int count = 0;
    for (int i = 0; i < exponentBits; i++) {
      int parts = 1 << i + bits - 1 - exponentBits + (signed ? 0 : 1);
      float power = (float) Math.pow(10, i + 1 - exponentBits);
      for (int part = 0; part < parts; part++) {
        float middle = (boundary(part, parts) + boundary(part + 1, parts)) / 2 * power;
        map[count++] = middle;
        if (signed) {
          map[count++] = -middle;
        }
      }
    }
    map[count++] = 0;
    map[count] = 1;
    Arrays.sort(map);
    return map;
  }

  /**
   * Boundary {@code i} of {@code parts} equal parts of [0.1, 1], as torch.linspace has it: from the
   * nearer end, each rounded once.
   */
  private static float boundary(int i, int parts) {
    float step = (1 - 0.1f) / parts;
    return i < (parts + 1) / 2 ? Math.fma(step, i, 0.1f) : Math.fma(-step, parts - i, 1f);
  }
}
