package org.sparkao.gpu.quantize;

import java.nio.ByteBuffer;
import org.sparkao.quant.metric.TensorStatistics;

/**
 * Adds the sums of rows, in order: as {@code ErrorSums} of the CPU does, so that the bits agree.
 */
final class RowStatistics {
  /** Of one row: {@code quantize::RowStatistics}. */
  static final int BYTES = 48;

  private static final int NOISE = 8;
  private static final int ABSOLUTE = 16;
  private static final int MAX_ERROR = 24;
  private static final int AMAX = 28;
  private static final int NON_FINITE = 32;
  private static final int CLIPPED = 36;

  private long elements;
  private long nonFinite;
  private long clipped;
  private double signal;
  private double noise;
  private double absolute;

  /** Largest error, as the bits of a float: they compare as ints, NaN above all. */
  private int maxErrorBits;

  private float amax;

  /** Adds {@code rows} rows of {@code columns} weights from a little-endian buffer. */
  void add(ByteBuffer sums, int rows, int columns) {
    for (int row = 0; row < rows; row++) {
      int at = row * BYTES;
      signal += sums.getDouble(at);
      noise += sums.getDouble(at + NOISE);
      absolute += sums.getDouble(at + ABSOLUTE);
      maxErrorBits = Math.max(maxErrorBits, sums.getInt(at + MAX_ERROR));
      amax = Math.max(amax, sums.getFloat(at + AMAX));
      nonFinite += Integer.toUnsignedLong(sums.getInt(at + NON_FINITE));
      clipped += Integer.toUnsignedLong(sums.getInt(at + CLIPPED));
    }
    elements += (long) rows * columns;
  }

  TensorStatistics statistics() {
    float maxError = Float.intBitsToFloat(maxErrorBits);
    return new TensorStatistics(
        elements, nonFinite, amax, signal, noise, absolute, maxError, clipped);
  }
}
