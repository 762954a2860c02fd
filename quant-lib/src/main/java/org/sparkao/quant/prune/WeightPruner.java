package org.sparkao.quant.prune;

import org.sparkao.quant.format.WeightType;

/**
 * Prunes the bytes of one weight, slice of rows after slice of rows, in order, and keeps count.
 * Rows with NaN or infinities stay as they are. One instance a weight and a thread.
 */
public final class WeightPruner {
  private final Pruner pruner;
  private final WeightType type;
  private final int columns;
  private float[] before = new float[0];
  private float[] after = new float[0];
  private int[] places = new int[0];

  private long elements;
  private long zeros;
  private double signal;
  private double kept;
  private double noise;
  private double amax;
  private double absoluteError;
  private double maxError;
  private long nonFiniteRows;

  /** For a weight of this type with rows of {@code columns}. */
  public WeightPruner(Pruner pruner, WeightType type, int columns) {
    this.pruner = pruner;
    this.type = type;
    this.columns = columns;
  }

  /** Bytes of the heap that it holds for so many rows. */
  public static long bytes(long rows, long columns) {
    return 2 * Float.BYTES * rows * columns;
  }

  /** Whether all rows must come at once. */
  public boolean needsWholeWeight() {
    return pruner.needsWholeWeight();
  }

  /**
   * Prunes {@code rows} rows in place: little endian, K contiguous, from byte {@code offset} on.
   */
  public void prune(byte[] source, int offset, int rows) {
    require(rows);
    int finite = 0;
    for (int row = 0; row < rows; row++) {
      if (read(source, offset + row * columns * type.bytes(), finite * columns)) {
        places[finite++] = row;
      } else {
        nonFiniteRows++;
      }
    }
    elements += (long) rows * columns;
    System.arraycopy(before, 0, after, 0, finite * columns);
    pruner.prune(after, finite);
    for (int i = 0; i < finite; i++) {
      write(source, offset + places[i] * columns * type.bytes(), i * columns);
    }
  }

  private void require(int rows) {
    int count = Math.multiplyExact(rows, columns);
    if (before.length < count) {
      before = new float[count];
      after = new float[count];
      places = new int[rows];
    }
  }

  /** Whether all are finite. */
  private boolean read(byte[] source, int from, int to) {
    boolean finite = true;
    for (int j = 0; j < columns; j++) {
      float value = type.read(source, from + j * type.bytes());
      before[to + j] = value;
      finite &= Math.abs(value) <= Float.MAX_VALUE;
    }
    return finite;
  }

  private void write(byte[] out, int to, int from) {
    for (int j = 0; j < columns; j++) {
      float old = before[from + j];
      float value = after[from + j] == old ? old : type.round(after[from + j]);
      if (value != old) {
        type.write(value, out, to + j * type.bytes());
      }
      count(old, value);
    }
  }

  private void count(float old, float value) {
    double square = (double) old * old;
    double error = Math.abs((double) old - value);
    zeros += value == 0 ? 1 : 0;
    signal += square;
    kept += value == 0 ? 0 : square;
    noise += error * error;
    amax = Math.max(amax, Math.abs(old));
    absoluteError += error;
    maxError = Math.max(maxError, error);
  }

  /** Over all rows so far. */
  public PruneStatistics statistics() {
    return new PruneStatistics(
        elements, zeros, signal, kept, noise, amax, absoluteError, maxError, nonFiniteRows);
  }
}
