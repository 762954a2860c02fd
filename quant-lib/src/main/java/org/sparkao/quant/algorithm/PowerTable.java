package org.sparkao.quant.algorithm;

import java.nio.ByteBuffer;

/**
 * |x|^norm to about 1e-8 of its value without a call of {@link Math#pow}: one table for the
 * exponents of x, one for its mantissas, interpolated on lines.
 */
final class PowerTable {
  private static final int TABLE_BITS = 10;
  private static final int REST_BITS = 23 - TABLE_BITS;
  private static final int MAGNITUDE = Integer.MAX_VALUE;

  private final double norm;
  private final double[] exponents = new double[256];
  private final double[] mantissas = new double[(1 << TABLE_BITS) + 1];

  PowerTable(double norm) {
    this.norm = norm;
    for (int i = 0; i < exponents.length; i++) {
      exponents[i] = Math.pow(2, (i - 127) * norm);
    }
    for (int i = 0; i < mantissas.length; i++) {
      mantissas[i] = Math.pow(1 + Math.scalb((double) i, -TABLE_BITS), norm);
    }
  }

  /** The table of exponents, that of mantissas, the norm. */
  void putTo(ByteBuffer out) {
    for (double value : exponents) {
      out.putDouble(value);
    }
    for (double value : mantissas) {
      out.putDouble(value);
    }
    out.putDouble(norm);
  }

  int bytes() {
    return Double.BYTES * (exponents.length + mantissas.length + 1);
  }

  double of(float x) {
    int bits = Float.floatToRawIntBits(x) & MAGNITUDE;
    if (bits == 0) {
      return 0;
    }
    int exponent = bits >>> 23;
    if (exponent == 0 || exponent == 255) {
      return Math.pow(Math.abs((double) x), norm);
    }
    int index = bits >>> REST_BITS & (1 << TABLE_BITS) - 1;
    double rest = Math.scalb((double) (bits & (1 << REST_BITS) - 1), -REST_BITS);
    double low = mantissas[index];
    return exponents[exponent] * (low + rest * (mantissas[index + 1] - low));
  }
}
